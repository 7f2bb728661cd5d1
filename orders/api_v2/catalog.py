"""`services`: what can be ordered."""

from orders import ports
from orders.api_v2.call import Call
from orders.models import Service, ServiceType, Terms
from panel.accounts.models import Standing
from panel.kernel import money

Row = dict[str, object]


def services(call: Call) -> list[Row]:
    """Return the active services of the types that can be ordered, in the catalog's order.

    `service` is a number, `rate` (per 1,000 units or per package), `min` and `max` are strings, flags are booleans.
    Beyond the contract: `desc`, `refund_after_start`, and `refund_note` (what the refund policy in force
    gives back to this customer).
    """
    version = ports.policy().version_in_force(call.at, call.customer.customer_group_id)
    standing = Standing(call.customer.standing)
    notes = {terms: "\n".join(ports.policy().order_note(version, terms, standing)) for terms in Terms}
    rows = Service.objects.filter(is_active=True, type__in=ServiceType.values).select_related("category")
    return [_row(service, notes[service.terms]) for service in rows]


def _row(service: Service, note: str) -> Row:
    return {
        "service": service.pk,
        "name": service.name,
        "type": service.type,
        "category": service.category.name,
        "rate": money.plain(service.rate),
        "min": str(service.min_quantity),
        "max": str(service.max_quantity),
        "refill": service.allows_refill,
        "cancel": service.allows_cancel,
        "dripfeed": False,
        "desc": service.description,
        "refund_after_start": service.refund_after_start,
        "refund_note": note,
    }
