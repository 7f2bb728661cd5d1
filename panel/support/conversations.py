"""What was said between a customer and us, for whoever has to show it: the module that `CONVERSATIONS` names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from panel.support.models import MessageKind, TicketMessage
from refunds.ports import Said

_SHOWN: Final = (MessageKind.CUSTOMER, MessageKind.STAFF)


def with_customer(customer_id: int, *, since: datetime, until: datetime) -> Sequence[Said]:
    """Return what was written to and by a customer in `[since, until)`, oldest first; never notes among staff."""
    found = TicketMessage.objects.filter(
        ticket__customer_id=customer_id, kind__in=[kind.value for kind in _SHOWN], at__gte=since, at__lt=until
    )
    return [
        Said(
            ticket=message.ticket_id,
            about=message.ticket.subject,
            kind=message.ticket.kind,
            order_ref=message.ticket.order_id,
            by_customer=message.kind == MessageKind.CUSTOMER,
            text=message.text,
            at=message.at,
        )
        for message in found.select_related("ticket").order_by("pk")
    ]
