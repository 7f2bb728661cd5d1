"""What a draft of an order would cost, by the code that places orders, with each fault beside its field."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings

from orders import lines as order_lines
from orders.lines import BadLine, Line, PricedLine, UnknownService
from orders.models import Service
from orders.ports import OrderNote
from panel.accounts.models import Standing, User
from panel.kernel import money
from panel.kernel.errors import PanelError
from panel.web import queries, typed
from refunds import order_policy

# A price doesn't depend on the link, so a draft without a good one is priced with this; it is never ordered.
_SOME_LINK: Final = "https://example.com/"


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of the order form as they were typed."""

    service: str = ""
    link: str = ""
    quantity: str = ""

    def line(self, *, link: str | None = None) -> Line:
        """Return the line that this draft asks for, or raise BadLine or UnknownService."""
        service_id = typed.number(self.service)
        if service_id is None:
            raise UnknownService("Choose a service.", field="service")
        quantity = order_lines.parse_quantity(self.quantity) if self.quantity.strip() else None
        return Line(service_id, self.link if link is None else link, quantity)


@dataclass(frozen=True, slots=True)
class Quote:
    """What the form shows beside the fields.

    Attributes:
        service: the service chosen, when there is one.
        charge: what it would cost; None while the draft isn't complete. Money scale.
        after: the balance after placing; below zero when it does not suffice.
        note: what is refunded for this service; None while none is chosen.
        errors: a sentence by field name.
        token: charge, policy version and what the note says in one text; the form sends it back, so that an order is
            placed at what was shown or not at all (`changed`). Empty while the draft isn't complete.
    """

    service: Service | None
    charge: Decimal | None
    spendable: Decimal
    note: OrderNote | None
    errors: dict[str, str]
    token: str

    @property
    def after(self) -> Decimal | None:
        """The balance once the order is placed."""
        return None if self.charge is None else self.spendable - self.charge

    @property
    def missing(self) -> Decimal | None:
        """How much the balance lacks, if it does."""
        return -self.after if self.after is not None and self.after < 0 else None


def quote(customer: User, draft: Draft, services: dict[int, Service], at: datetime) -> Quote:
    """Price the draft. `services` are those on sale, by number. Fields that are still empty are no errors yet."""
    service = services.get(typed.number(draft.service) or 0)
    errors = _link_error(draft)
    priced: PricedLine | None = None
    if service is not None:
        try:
            priced = order_lines.price([draft.line(link=_SOME_LINK)])[0]
        except (BadLine, UnknownService) as error:
            if draft.quantity.strip():
                errors[error.field or "quantity"] = error.message
    policy = queries.policy_in_force(at, customer)
    note = order_policy.order_note(policy.pk, service, Standing(customer.standing)) if policy and service else None
    return Quote(
        service=service,
        charge=priced.charge if priced else None,
        spendable=queries.spendable(customer),
        note=note,
        errors=errors,
        token=_token(priced, policy.pk, note) if priced and policy and note else "",
    )


def changed(customer: User, draft: Draft, token: str, at: datetime) -> str:
    """Return what to tell a customer who orders `draft` after reading the quote of `token`; empty if that still holds.

    Raises BadLine, UnknownService, NoPolicyInForce.
    """
    priced = order_lines.price([draft.line()])[0]
    version = order_policy.version_in_force(at, customer.customer_group_id)
    note = order_policy.order_note(version, priced.service, Standing(customer.standing))
    now = _token(priced, version, note)
    if token == now:
        return ""
    costs = money.display(priced.charge, settings.PANEL_CURRENCY)
    if not token:
        return f"This order costs {costs}: please check the price, then place the order."
    if token.partition(":")[0] != money.plain(priced.charge):
        return f"The price has changed: this costs {costs} now. Nothing was placed; check it, then place the order."
    return "What is refunded has changed. Nothing was placed; please read it again, then place the order."


def _token(priced: PricedLine, policy_version: int, note: OrderNote) -> str:
    """Return what an order would be charged and judged by, such as `4.75:1:9f8e…`, to compare with a later look."""
    return f"{money.plain(priced.charge)}:{policy_version}:{note.fingerprint}"


def _link_error(draft: Draft) -> dict[str, str]:
    if not draft.link.strip():
        return {}
    try:
        order_lines.clean_link(draft.link)
    except PanelError as error:
        return {"link": error.message}
    return {}
