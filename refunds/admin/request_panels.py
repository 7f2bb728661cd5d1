"""The tables below a refund request: what the policy says now, what each choice would credit, and all that happened."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from orders.models import Cause, Order, OrderStatus
from panel.accounts.admin.pages import Panel, amount, counted, link, moment
from panel.accounts.models import Standing
from panel.kernel import money
from panel.kernel.errors import PanelError
from refunds.admin import order_panels, request_history
from refunds.desk import causes, plans, proposals
from refunds.desk.plans import Choice, Plan
from refunds.desk.proposals import Proposal
from refunds.models import RefundRequest, RequestEventKind
from refunds.models.request_event import INTERNAL
from refunds.policy import owing
from refunds.policy.clauses import Refund
from refunds.policy.facts import Amounts

_MOST: Final = 100


def above(wish: RefundRequest, *, at: datetime) -> list[Panel]:
    """Return what is asked; before it, while it waits, what the policy proposes and what each choice would credit."""
    if not wish.is_open:
        return [asked(wish)]
    proposal = proposals.of_request(wish, wish.order, standing=Standing(wish.customer.standing), at=at)
    return [proposed(proposal), choices(wish, wish.order, at=at), asked(wish)]


def of(request: HttpRequest, wish: RefundRequest, *, at: datetime) -> list[Panel]:
    """Return what else one needs to decide, in a bounded number of queries; what this member of staff may see of it."""
    order = wish.order
    found = [progress(order), log(wish)]
    for permission, make in _ABOUT_THE_ORDER:
        if request.user.has_perm(permission):
            found += [panel for panel in make(order) if panel.rows]
    found += request_history.of(request, wish, at=at)
    return found


def flags(wish: RefundRequest) -> list[tuple[str, str]]:
    """Return what sets an open request apart, the most pressing first, each with the word for its color."""
    marks = (
        ("urgent", "Expedited", wish.expedited_at),
        ("confirm", "To be confirmed", wish.recommended_at),
        ("unread", "Customer wrote", wish.unread_since),
        ("question", "Question open", wish.asked_at),
        ("referred", "Referred to the provider", wish.referred_at),
    )
    return [(key, words) for key, words, since in marks if since is not None and wish.is_open]


def lines(text: str) -> SafeString:
    """Write a text as it was typed: its markup escaped, its line breaks kept."""
    if not text:
        return SafeString("-")
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in text.split("\n")))


def asked(wish: RefundRequest) -> Panel:
    """Return what is asked, with the files and the customer's latest words: for its page and those that answer it."""
    rows = [
        ("Customer", link("accounts_user", wish.customer_id, wish.customer)),
        ("Cause", f"{wish.get_cause_display()} (“{causes.words(Cause(wish.cause))}”)"),
        ("Description", lines(wish.description)),
    ]
    if wish.files.all():
        rows.append(("Files", files(wish)))
    latest = wish.events.filter(kind=RequestEventKind.MESSAGE).order_by("-id").first()
    if latest is not None:
        rows.append(("The customer wrote last", format_html("{} (UTC)<br>{}", moment(latest.at), lines(latest.text))))
    if wish.expedited_at is not None:
        rows.append(("Asked to be expedited", wish.expedite_reason))
    return Panel("What is asked", (), [*rows, ("When it was opened", wish.sentence)])


def files(wish: RefundRequest) -> SafeString:
    """Return links to the files that came with it. They are read without their bytes, if the page saw to that."""
    rows = (
        (reverse("refund-file", args=[wish.pk, file.position]), file.name, f"{max(1, round(file.size / 1024)):,}")
        for file in wish.files.all()
    )
    return format_html_join(mark_safe("<br>"), '<a href="{}" class="text-link">{}</a> ({} kB)', rows)


def proposed(proposal: Proposal) -> Panel:
    """Return the engine's word as the order stands now: what it would credit, by which rule, on which facts."""
    facts = ", ".join(
        f"{name.replace('_', ' ')}: {str(value).replace('_', ' ')}" for name, value in proposal.facts.as_dict().items()
    )
    rows = [
        ("To be credited now", f"{'up to ' if proposal.is_estimate else ''}{amount(proposal.credit)}"),
        (
            "Why so much",
            f"{amount(proposal.verdict.owed)} owed in all, {amount(proposal.order.refunded)} credited before",
        ),
        (
            "At most",
            f"{amount(proposal.most)}, which is left of the charge of {amount(proposal.order.charge)}",
        ),
        (f"Clause {proposal.verdict.clause_id}", proposal.rule),
        ("Facts", facts),
    ]
    if proposal.waiting is not None:
        decision = proposal.waiting
        rows.append(("Decision that waits for this", link("refunds_decision", decision.pk, decision.pk)))
    return Panel("What the policy proposes now", (), rows, note=_before(proposal))


def _before(proposal: Proposal) -> str:
    order = proposal.order
    if order.is_final:
        return ""
    if order.status == OrderStatus.PENDING:
        return "Nothing of the order was sent. Approving the request cancels it."
    if proposal.is_estimate:
        left = "nobody has reported how much was delivered, so say how much remains"
    else:
        left = "say how much remains, if it is not what was reported"
    return f"The order is {order.get_status_display().lower()}. Approving the request ends it: {left}."


def choices(wish: RefundRequest, order: Order, *, at: datetime) -> Panel:
    """Return what each choice would credit and whether a second person is needed, worked out as carrying it out is."""
    rows: list[Sequence[object]] = []
    for words, choice in _choices(order):
        try:
            plan = plans.plan(wish, order, choice, at=at)
        except PanelError as error:
            rows.append((words, "-", error.message, "-", "-"))
        else:
            rows.append((words, amount(plan.credit), kept_by_us(plan), order_afterwards(plan), second(plan)))
    declined = order.get_status_display() if order.is_final else f"{order.get_status_display()}, goes on"
    rows.append(("Decline", amount(money.ZERO), "-", declined, "No"))
    headers = ("Choice", "Credited now", "Stays with the panel", "Order afterwards", "Second person")
    return Panel("What each choice would credit", headers, rows)


def _choices(order: Order) -> Iterator[tuple[str, Choice]]:
    most = money.exact(order.charge - order.refunded)
    if order.is_final:
        yield "As proposed", Choice()
        remains = order.remains or 0
        rest = owing.share(Refund.UNDELIVERED, Amounts(order.charge, order.quantity, remains)) - order.refunded
        if 0 < rest < most:
            yield f"What is undelivered: {remains:,} of {counted(order.quantity, 'unit')}", Choice(amount=rest)
        yield "All that is left of the charge", Choice(amount=most)
        return
    if order.status == OrderStatus.PENDING:
        yield "As proposed", Choice()
        return
    reported = order.remains if order.remains is not None and 0 < order.remains < order.quantity else None
    if reported is not None:
        yield f"As proposed, with {counted(reported, 'unit')} undelivered as last reported", Choice(remains=reported)
    yield f"As proposed, if nothing of {counted(order.quantity, 'unit')} was delivered", Choice(remains=order.quantity)
    if reported is not None:
        yield (
            f"All of the charge, with {counted(reported, 'unit')} undelivered",
            Choice(amount=most, remains=reported),
        )


def kept_by_us(plan: Plan) -> str:
    """Write what of the charge is not given back in the end."""
    order = plan.proposal.order
    return amount(money.exact(order.charge - order.refunded - plan.credit))


def order_afterwards(plan: Plan) -> str:
    """Write how the order stands after the approval."""
    if plan.end is None:
        return f"{plan.proposal.order.get_status_display()}, as it is"
    return f"{plan.end.to.label}, {plan.end.remains:,} undelivered"


def second(plan: Plan) -> str:
    """Write whether a second person has to confirm, and why."""
    if plan.reasons_for_second:
        return f"Yes: {' and '.join(plan.reasons_for_second)}"
    return "No" if plan.opener_id is None else "Only for whoever opened the request for the customer"


def log(wish: RefundRequest) -> Panel:
    """Return all that happened to the request and all that was said, with who it was."""
    events = wish.events.select_related("actor").order_by("-id")[:_MOST]
    rows = [
        (
            moment(event.at),
            format_html("<em>{}</em>", event.get_kind_display())
            if event.kind in INTERNAL
            else RequestEventKind(event.kind).label,
            link("accounts_user", event.actor_id, event.actor) if event.actor_id else "The panel",
            lines(event.text),
        )
        for event in events
    ]
    note = "What stands in italics is for staff only; the customer reads the rest, without names of staff."
    return Panel("Log, the latest first", ("At (UTC)", "What", "By", "Text"), rows, note=note)


def progress(order: Order) -> Panel:
    """Return how far the order got, as far as anybody has reported."""
    share = (
        "unknown" if order.delivered is None else f"{order.delivered:,} ({order.delivered * 100 // order.quantity} %)"
    )
    rows = [
        (
            order.get_status_display(),
            f"{order.quantity:,}",
            share,
            "unknown" if order.remains is None else f"{order.remains:,}",
            "unknown" if order.start_count is None else f"{order.start_count:,}",
            moment(order.placed_at),
            moment(order.final_at),
            amount(order.charge),
            amount(order.refunded),
        )
    ]
    headers = (
        "Status",
        "Ordered",
        "Delivered",
        "Remains",
        "Count at the start",
        "Placed (UTC)",
        "Ended (UTC)",
        "Charge",
        "Refunded",
    )
    return Panel(f"Delivery of order {order.pk}: {order.service_name}", headers, rows, note=order.link)


_ABOUT_THE_ORDER: Final[tuple[tuple[str, Callable[[Order], Iterator[Panel]]], ...]] = (
    ("orders.view_orderevent", order_panels.timeline),
    ("orders.view_submission", order_panels.submissions),
    ("orders.view_attentionitem", order_panels.attention),
    ("orders.view_cancelrequest", order_panels.cancel_requests),
    ("refunds.view_decision", order_panels.decisions),
)
