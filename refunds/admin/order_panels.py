"""The tables below an order: its timeline, what was decided and booked, and what went to and fro with its provider."""

from collections.abc import Callable, Iterator

from django.http import HttpRequest

from billing.admin.transfers import side
from billing.models import Transfer
from orders.models import Order
from panel.accounts.admin.pages import Panel, amount, link, moment

_MOST = 100


def of(request: HttpRequest, order: Order) -> list[Panel]:
    """Return what this member of staff may see, one query a panel; empty panels of the rarer kinds are left out."""
    always = {"orders.view_orderevent", "refunds.view_decision", "billing.view_transfer"}
    return [
        panel
        for permission, make in _PANELS
        if request.user.has_perm(permission)
        for panel in make(order)
        if panel.rows or permission in always
    ]


def timeline(order: Order) -> Iterator[Panel]:
    """Yield the order's moves."""
    rows = [
        (
            moment(event.at),
            f"{event.get_from_status_display() or 'New'} → {event.get_to_status_display()}",
            event.get_cause_display() or "-",
            _who(event.get_initiator_display(), event.actor_id, event.actor),
            "-" if event.remains is None else f"{event.remains:,}",
            event.raw_status or "-",
            event.note or "-",
        )
        for event in order.events.select_related("actor")[:_MOST]
    ]
    headers = ("At (UTC)", "Move", "Cause", "By", "Remains", "Provider's word", "Note")
    yield Panel("Timeline", headers, rows)


def decisions(order: Order) -> Iterator[Panel]:
    """Yield what was decided about its refunds."""
    rows = [
        (
            link("refunds_decision", decision.pk, decision.pk),
            moment(decision.at),
            decision.get_state_display(),
            decision.clause,
            decision.sentence,
            amount(decision.owed),
            amount(decision.credited),
        )
        for decision in order.decisions.all()[:_MOST]
    ]
    headers = ("Decision", "At (UTC)", "State", "Clause", "What the customer reads", "Owed in total", "Credited then")
    yield Panel("Decisions", headers, rows)


def requests(order: Order) -> Iterator[Panel]:
    """Yield the refund requests about it, the latest first."""
    rows = [
        (
            link("refunds_refundrequest", wish.pk, wish.pk),
            wish.get_state_display(),
            wish.get_origin_display(),
            wish.get_cause_display(),
            moment(wish.opened_at),
            moment(wish.closed_at),
            amount(wish.amount),
            wish.answer or "-",
        )
        for wish in order.refund_requests.all()[:_MOST]
    ]
    headers = ("Request", "State", "Origin", "Cause", "Opened (UTC)", "Closed (UTC)", "Credited", "Answer")
    yield Panel("Refund requests", headers, rows)


def _transfers(order: Order) -> Iterator[Panel]:
    transfers = Transfer.objects.filter(order_ref=order.pk).select_related("debit_account", "credit_account")
    rows = [
        (
            link("billing_transfer", transfer.pk, transfer.pk),
            moment(transfer.at),
            transfer.get_kind_display(),
            f"{side(transfer.debit_account)} → {side(transfer.credit_account)}",
            amount(transfer.amount),
        )
        for transfer in transfers.order_by("id")[:_MOST]
    ]
    yield Panel("Transfers", ("Transfer", "At (UTC)", "Kind", "From → to", "Amount"), rows)


def submissions(order: Order) -> Iterator[Panel]:
    """Yield the attempts to hand the order to its provider."""
    rows = [
        (
            link("orders_submission", attempt.pk, attempt.pk),
            attempt.provider.name,
            attempt.get_state_display(),
            attempt.provider_order_id or "-",
            moment(attempt.claimed_at),
            moment(attempt.recorded_at),
            attempt.detail or "-",
        )
        for attempt in order.submissions.select_related("provider")[:_MOST]
    ]
    headers = ("Attempt", "Provider", "State", "Provider's number", "Claimed (UTC)", "Recorded (UTC)", "Detail")
    yield Panel("Submissions", headers, rows)


def cancel_requests(order: Order) -> Iterator[Panel]:
    """Yield the wishes to cancel that went to the provider."""
    rows = [
        (
            link("orders_cancelrequest", wish.pk, wish.pk),
            wish.get_state_display(),
            wish.get_cause_display(),
            _who(wish.get_initiator_display(), wish.actor_id, wish.actor),
            moment(wish.requested_at),
            wish.detail or "-",
        )
        for wish in order.cancel_requests.select_related("actor")[:_MOST]
    ]
    yield Panel("Cancel requests", ("Request", "State", "Cause", "By", "Requested (UTC)", "Detail"), rows)


def refills(order: Order) -> Iterator[Panel]:
    """Yield the wishes to have delivered again what went away, the latest first."""
    rows = [
        (
            link("orders_refill", refill.pk, refill.pk),
            refill.get_state_display(),
            refill.get_passing_display(),
            _who(refill.get_initiator_display(), refill.actor_id, refill.actor),
            moment(refill.requested_at),
            moment(refill.closed_at),
            refill.provider_refill_id or "-",
            refill.detail or "-",
        )
        for refill in order.refills.select_related("actor")[:_MOST]
    ]
    headers = ("Refill", "State", "Way", "By", "Asked for (UTC)", "Ended (UTC)", "Provider's number", "Detail")
    yield Panel("Refills", headers, rows)


def attention(order: Order) -> Iterator[Panel]:
    """Yield what people had to look at."""
    rows = [
        (
            link("orders_attentionitem", item.pk, item.get_kind_display()),
            item.detail,
            str(item.seen),
            moment(item.first_at),
            item.resolution or "Open",
        )
        for item in order.attention_items.all()[:_MOST]
    ]
    yield Panel("Attention", ("Item", "Detail", "Times seen", "Since (UTC)", "Resolution"), rows)


def _who(initiator: str, actor_id: int | None, actor: object) -> object:
    return initiator if actor_id is None else link("accounts_user", actor_id, f"{initiator}: {actor}")


_PANELS: tuple[tuple[str, Callable[[Order], Iterator[Panel]]], ...] = (
    ("orders.view_attentionitem", attention),
    ("orders.view_orderevent", timeline),
    ("refunds.view_refundrequest", requests),
    ("refunds.view_decision", decisions),
    ("billing.view_transfer", _transfers),
    ("orders.view_refill", refills),
    ("orders.view_cancelrequest", cancel_requests),
    ("orders.view_submission", submissions),
)
