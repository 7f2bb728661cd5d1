"""`services`: what can be ordered."""

from orders import ports
from orders.api_v2.call import Call
from orders.models import Service, ServiceType
from orders.ports import OrderNote, RefundAnswer
from panel.accounts.models import Standing
from panel.kernel import money

Row = dict[str, object]


def services(call: Call) -> list[Row]:
    """Return the active services of the types that can be ordered, in the catalog's order.

    `service` is a number, `rate` (per 1,000 units or per package), `min` and `max` are strings, flags are booleans.
    Beyond the contract: `desc`, `refund_after_start`, and what the refund policy in force gives back to this customer,
    in words (`refund_note`) and for machines (`refund`). Each different answer is written once, whatever the number of
    services.
    """
    policy = ports.policy()
    version = policy.version_in_force(call.at, call.customer.customer_group_id)
    sold = list(Service.objects.filter(is_active=True, type__in=ServiceType.values).select_related("category"))
    notes = policy.order_notes(version, sold, Standing(call.customer.standing))
    written = {note: ("\n".join(note.lines), _refund(note)) for note in set(notes)}
    return [_row(service, *written[note]) for service, note in zip(sold, notes, strict=True)]


def _row(service: Service, note: str, refund: Row) -> Row:
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
        "refund": refund,
    }


def _refund(note: OrderNote) -> Row:
    """Return the first answer to each case by its name, and what else there is to it under a name of its own."""
    said = {case.name: case.answers for case in note.cases}
    first = {name: answers[0] for name, answers in said.items() if answers}
    row: Row = {name: first[name].refund if name in first else None for name in said}
    row["review"] = [name for name, answer in first.items() if answer.approval == "review"]
    more: dict[str, Row] = {
        "cap": {name: answer.cap for name, answer in first.items() if answer.cap},
        "fee": {name: answer.fee for name, answer in first.items() if answer.fee},
        "within_hours": {name: answer.within_hours for name, answer in first.items() if answer.within_hours},
        "later": {name: [_later(answer) for answer in answers[1:]] for name, answers in said.items() if answers[1:]},
    }
    row |= {key: of_cases for key, of_cases in more.items() if of_cases}
    by_age = [case.name for case in note.cases if case.age_of_order_matters]
    return row | ({"age_of_order_matters": by_age} if by_age else {})


def _later(answer: RefundAnswer) -> Row:
    row: Row = {"refund": answer.refund, "review": answer.approval == "review"}
    more = {"cap": answer.cap, "fee": answer.fee, "within_hours": answer.within_hours}
    return row | {key: value for key, value in more.items() if value}
