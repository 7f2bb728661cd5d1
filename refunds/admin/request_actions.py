"""What staff do with a refund request besides answering it: take it, ask, note, refer, open one for a customer."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from orders import canceling
from orders.models import Cause, Order
from panel.accounts.admin.asking import Preview, Question, ask, staff_of
from panel.accounts.admin.pages import Panel, StaffAdmin, amount
from panel.accounts.models import Standing, User
from refunds.admin import request_forms, request_panels
from refunds.desk import causes, opening, proposals, referring, talking
from refunds.models import RefundRequest


def offered(wish: RefundRequest, staff: User, *, at: datetime) -> set[str]:
    """Return the buttons that fit an open request's state and this person; nothing on a request of one's own.

    Where nothing is proposed there is nothing to approve as proposed: an amount is chosen, or it is declined.
    """
    if not wish.is_open or wish.customer_id == staff.pk:
        return set()
    found = {"ask_customer", "note", "refer", "decline"}
    found.add("release" if wish.assignee_id == staff.pk else "claim")
    if not wish.awaits_second:
        return found | {"approve_other"} | ({"approve"} if _proposes(wish, at) else set())
    found |= {"send_back"}
    return found if wish.recommended_by_id == staff.pk else (found - {"decline"}) | {"confirm"}


def _proposes(wish: RefundRequest, at: datetime) -> bool:
    """Whether approving as proposed may credit something. What a running order is owed depends on how it ends."""
    standing = Standing(wish.customer.standing)
    return not wish.order.is_final or proposals.of_request(wish, wish.order, standing=standing, at=at).credit > 0


def claim(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask whether to take the request over."""

    def act(_given: dict[str, Any]) -> str:
        talking.claim(request_id=wish.pk, staff=staff_of(request), at=timezone.now())
        return f"Request {wish.pk} is yours."

    lead = "It is then shown as yours, and colleagues leave it to you."
    if wish.assignee:
        lead = f"{wish.assignee} has it. You take it over, and the log says so."
    return asked_about(page, request, wish, verb="Claim", lead=lead, act=act, submit="Claim it")


def release(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask whether to give the request back to the queue."""

    def act(_given: dict[str, Any]) -> str:
        talking.release(request_id=wish.pk, staff=staff_of(request), at=timezone.now())
        return f"Request {wish.pk} is back in the queue."

    return asked_about(page, request, wish, verb="Release", lead="It is then nobody's.", act=act, submit="Give it back")


def ask_customer(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask what to ask the customer."""

    def act(given: dict[str, Any]) -> str:
        talking.ask(request_id=wish.pk, staff=staff_of(request), question=given["question"], at=timezone.now())
        return f"{wish.customer} is asked."

    lead = (
        f"{wish.customer} gets this by e-mail and answers on the request's page. The promised time goes on meanwhile."
    )
    return asked_about(
        page,
        request,
        wish,
        verb="Ask about",
        lead=lead,
        act=act,
        submit="Send the question",
        form=request_forms.QuestionForm,
    )


def note(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask for a note that only staff read."""

    def act(given: dict[str, Any]) -> str:
        talking.note(request_id=wish.pk, staff=staff_of(request), text=given["text"], at=timezone.now())
        return "The note is kept."

    return asked_about(
        page,
        request,
        wish,
        verb="Note on",
        lead="Only staff read this.",
        act=act,
        submit="Keep the note",
        form=request_forms.NoteForm,
    )


def refer(page: StaffAdmin, request: HttpRequest, wish: RefundRequest) -> HttpResponse:
    """Ask what the provider is asked, and pass it on where that can be done."""

    def act(given: dict[str, Any]) -> str:
        referring.refer(request_id=wish.pk, staff=staff_of(request), note=given["note"], at=timezone.now())
        return f"Request {wish.pk} is referred to the provider."

    if canceling.takes_requests(wish.order):
        lead = (
            "The provider is asked through its API to cancel the order. When it reports the end, the order is settled"
            " by its policy; the request stays open until then."
        )
    else:
        lead = (
            "This order can't be canceled through the provider's API. Write to the provider yourself, and note here"
            " what you asked; the request stays open."
        )
    return asked_about(
        page,
        request,
        wish,
        verb="Refer to the provider:",
        lead=lead,
        act=act,
        submit="Refer it",
        form=request_forms.ReferForm,
    )


def open_for(page: StaffAdmin, request: HttpRequest, order: Order) -> HttpResponse:
    """Ask what a customer who wrote in wants of the desk, show what the policy says, and open the request."""

    def preview(given: dict[str, Any]) -> Preview:
        found = opening.quote(
            customer=order.customer, order_id=order.pk, cause=Cause(given["cause"]), at=timezone.now()
        )
        proposal = found.proposal
        rows = [
            ("It would stand as", proposals.sentence(proposal, at_once=False)),
            ("To be credited", f"{'up to ' if proposal.is_estimate else ''}{amount(proposal.credit)}"),
            ("Clause", proposal.verdict.clause_id),
            ("Rule", proposal.rule),
            ("Customer", f"{order.customer}, {order.customer.get_standing_display().lower()}"),
        ]
        note = "A person answers it in any case. The customer gets an e-mail that it was received."
        return Preview(Panel("What the policy says", (), rows, note), found.token)

    def act(given: dict[str, Any]) -> str:
        made = opening.open_by_staff(
            staff=staff_of(request),
            order_id=order.pk,
            cause=Cause(given["cause"]),
            description=given["description"],
            at=timezone.now(),
        )
        return f"Refund request {made.pk} is open."

    title = f"Open a refund request about order {order.pk}"
    question = Question(
        title=title,
        lead=f"For {order.customer}, who wrote in. {order.service_name}, {order.get_status_display().lower()},"
        f" charge {amount(order.charge)}, refunded {amount(order.refunded)}.",
        submit="Open the request",
        form=request_forms.opening([(cause.value, words) for cause, words in causes.fitting(order)]),
        act=act,
        preview=preview,
        about=order,
        back=reverse("admin:orders_order_change", args=[order.pk]),
    )
    return ask(page, request, question)


def asked_about(
    page: StaffAdmin,
    request: HttpRequest,
    wish: RefundRequest,
    *,
    verb: str,
    **options: Any,  # noqa: ANN401 - Question's
) -> HttpResponse:
    """Ask a question about one request; `options` are those of a Question, below it what is asked and the log."""
    shown = {
        "submit": verb,
        "panels": [request_panels.asked(wish), request_panels.log(wish)],
        "about": wish,
        "back": reverse("admin:refunds_refundrequest_change", args=[wish.pk]),
        **options,
    }
    return ask(page, request, Question(title=f"{verb} refund request {wish.pk} about order {wish.order_id}", **shown))
