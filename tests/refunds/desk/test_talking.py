"""What customers and staff say to each other about a request, who may say it, and what a customer may do with it."""

from datetime import timedelta
from functools import partial

import pytest

from orders.models import Cause
from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Forbidden
from refunds.desk import access, talking
from refunds.models import RefundRequest, RefundRequestEvent, RequestState
from tests.factories import AT, fund, make_customer
from tests.factories.desk import ask_for_refund, completed, decline, make_agent, order_in_review, started, withdraw
from tests.refunds.desk.ground import kinds, letter, letters, money, nothing_moves

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(hours=5)


@pytest.fixture
def request_of_ada() -> RefundRequest:
    """An open request about a running order."""
    return ask_for_refund(started(remains=400))


def last(request: RefundRequest) -> tuple[str, str, User | None]:
    event = RefundRequestEvent.objects.filter(request=request).latest("id")
    return event.kind, event.text, event.actor


class TestMessages:
    def test_are_kept_as_they_were_written(self, request_of_ada: RefundRequest) -> None:
        ada = request_of_ada.customer

        talking.message(request_id=request_of_ada.pk, customer=ada, text=" <script>alert(1)</script>\r\n", at=LATER)

        assert last(request_of_ada) == ("message", "<script>alert(1)</script>", ada)
        assert letters(ada) == ["request_received"]

    def test_answer_an_open_question(self, request_of_ada: RefundRequest, hiro: User) -> None:
        talking.ask(request_id=request_of_ada.pk, staff=hiro, question="Which page?", at=LATER)
        request_of_ada.refresh_from_db()
        assert request_of_ada.asked_at == LATER

        talking.message(request_id=request_of_ada.pk, customer=request_of_ada.customer, text="This one", at=LATER)

        request_of_ada.refresh_from_db()
        assert request_of_ada.asked_at is None

    def test_are_kept_once_when_the_form_is_sent_twice(self, request_of_ada: RefundRequest, hiro: User) -> None:
        ada = request_of_ada.customer
        for _ in range(2):
            talking.message(request_id=request_of_ada.pk, customer=ada, text="And now?", at=LATER)
        talking.ask(request_id=request_of_ada.pk, staff=hiro, question="Which page?", at=LATER)
        talking.message(request_id=request_of_ada.pk, customer=ada, text="And now?", at=LATER)

        assert kinds(request_of_ada) == ["opened", "message", "question", "message"]

    def test_are_fifty_at_most(self, request_of_ada: RefundRequest) -> None:
        ada = request_of_ada.customer
        for number in range(talking.MOST_MESSAGES):
            talking.message(request_id=request_of_ada.pk, customer=ada, text=f"Hello {number}?", at=LATER)

        with nothing_moves(), pytest.raises(talking.TooMuchSaid):
            talking.message(request_id=request_of_ada.pk, customer=ada, text="Hello?", at=LATER)

    @pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "\0"])
    def test_say_something_and_not_too_much(self, text: str, request_of_ada: RefundRequest) -> None:
        with nothing_moves(), pytest.raises(texts.BadText):
            talking.message(request_id=request_of_ada.pk, customer=request_of_ada.customer, text=text, at=LATER)

    def test_end_with_the_answer(self, request_of_ada: RefundRequest, hiro: User) -> None:
        decline(request_of_ada, hiro)

        with nothing_moves(), pytest.raises(access.NotOpen):
            talking.message(request_id=request_of_ada.pk, customer=request_of_ada.customer, text="But", at=LATER)


class TestExpediting:
    def test_is_asked_once_with_the_reason(self, request_of_ada: RefundRequest) -> None:
        ada = request_of_ada.customer

        talking.expedite(request_id=request_of_ada.pk, customer=ada, reason="The launch is today.", at=LATER)

        request_of_ada.refresh_from_db()
        assert (request_of_ada.expedited_at, request_of_ada.expedite_reason) == (LATER, "The launch is today.")
        assert last(request_of_ada) == ("expedited", "The launch is today.", ada)
        with nothing_moves(), pytest.raises(talking.ExpeditedBefore):
            talking.expedite(request_id=request_of_ada.pk, customer=ada, reason="Please!", at=LATER)

    def test_changes_no_due_time(self, request_of_ada: RefundRequest) -> None:
        due = request_of_ada.due_at

        talking.expedite(request_id=request_of_ada.pk, customer=request_of_ada.customer, reason="Now", at=LATER)

        request_of_ada.refresh_from_db()
        assert request_of_ada.due_at == due

    @pytest.mark.parametrize("reason", ["", "x" * 301])
    def test_needs_a_reason_that_fits(self, reason: str, request_of_ada: RefundRequest) -> None:
        with nothing_moves(), pytest.raises(texts.BadText) as refused:
            talking.expedite(request_id=request_of_ada.pk, customer=request_of_ada.customer, reason=reason, at=LATER)
        assert refused.value.field == "reason"


class TestWithdrawing:
    def test_closes_the_request_and_leaves_the_order_alone(self, request_of_ada: RefundRequest) -> None:
        before = money(request_of_ada.order)

        withdraw(request_of_ada, at=LATER)

        request_of_ada.refresh_from_db()
        assert (request_of_ada.state, request_of_ada.closed_at) == (RequestState.WITHDRAWN, LATER)
        assert request_of_ada.closed_by == request_of_ada.customer
        assert kinds(request_of_ada) == ["opened", "withdrawn"]
        assert letters(request_of_ada.customer) == ["request_received"]
        assert money(request_of_ada.order) == before

    def test_is_refused_while_the_orders_own_refund_waits_for_the_answer(self) -> None:
        request = order_in_review()

        with nothing_moves(), pytest.raises(talking.CantWithdraw):
            withdraw(request)

    def test_is_refused_twice(self, request_of_ada: RefundRequest) -> None:
        withdraw(request_of_ada)

        with nothing_moves(), pytest.raises(access.NotOpen):
            withdraw(request_of_ada)


def test_whose_request_it_is_not_learns_nothing_of_it(request_of_ada: RefundRequest) -> None:
    ben = make_customer("ben")

    for number in (request_of_ada.pk, 987_654_321):
        for attempt in (
            partial(talking.message, request_id=number, customer=ben, text="Mine", at=AT),
            partial(talking.expedite, request_id=number, customer=ben, reason="Mine", at=AT),
            partial(talking.withdraw, request_id=number, customer=ben, at=AT),
        ):
            with nothing_moves(), pytest.raises(access.RequestNotFound, match=r"^There is no such refund request\.$"):
                attempt()


class TestQuestions:
    def test_are_put_to_the_customer_in_a_letter_each(self, request_of_ada: RefundRequest, hiro: User) -> None:
        for question in ("Which page?", "And which day?"):
            talking.ask(request_id=request_of_ada.pk, staff=hiro, question=question, at=LATER)

        ada = request_of_ada.customer
        assert letters(ada) == ["request_received", "request_question", "request_question"]
        assert letter(ada).context["text"] == "And which day?"
        assert kinds(request_of_ada) == ["opened", "question", "question"]


class TestWhatStaffDoAmongThemselves:
    def test_a_note_is_for_colleagues(self, request_of_ada: RefundRequest, hiro: User) -> None:
        talking.note(request_id=request_of_ada.pk, staff=hiro, text="She is right.", at=LATER)

        assert last(request_of_ada) == ("note", "She is right.", hiro)
        assert letters(request_of_ada.customer) == ["request_received"]

    def test_a_request_is_taken_over_also_from_a_colleague_and_given_back(
        self, request_of_ada: RefundRequest, hiro: User, ida: User
    ) -> None:
        for person in (hiro, hiro, ida):
            talking.claim(request_id=request_of_ada.pk, staff=person, at=LATER)
        assert RefundRequest.objects.get(pk=request_of_ada.pk).assignee == ida

        for _ in range(2):
            talking.release(request_id=request_of_ada.pk, staff=hiro, at=LATER)

        assert RefundRequest.objects.get(pk=request_of_ada.pk).assignee is None
        assert kinds(request_of_ada) == ["opened", "claimed", "claimed", "released"]

    @pytest.mark.parametrize("verb", ["ask", "note", "claim", "release"])
    @pytest.mark.parametrize("who", ["a customer", "staff of other rooms", "the customer, who is staff"])
    def test_is_refused_to_who_may_not(self, verb: str, who: str) -> None:
        person = make_customer("ben") if who == "a customer" else make_agent("otto")
        if who == "staff of other rooms":
            person.user_permissions.clear()
            person = User.objects.get(pk=person.pk)
        if who == "the customer, who is staff":
            fund(person, "20")
            request = ask_for_refund(completed(person), Cause.SYSTEM_ERROR)
        else:
            request = ask_for_refund(completed(), Cause.SYSTEM_ERROR)
        words = {"ask": {"question": "Hm?"}, "note": {"text": "Hm"}}.get(verb, {})

        with nothing_moves(), pytest.raises(Forbidden):
            getattr(talking, verb)(request_id=request.pk, staff=person, at=LATER, **words)

    @pytest.mark.parametrize("verb", ["ask", "note", "claim", "release"])
    def test_ends_with_the_answer(self, verb: str, request_of_ada: RefundRequest, hiro: User) -> None:
        withdraw(request_of_ada)
        words = {"ask": {"question": "Hm?"}, "note": {"text": "Hm"}}.get(verb, {})

        with nothing_moves(), pytest.raises(access.NotOpen):
            getattr(talking, verb)(request_id=request_of_ada.pk, staff=hiro, at=LATER, **words)

    @pytest.mark.parametrize(("verb", "field"), [("ask", "question"), ("note", "text")])
    def test_needs_words(self, verb: str, field: str, request_of_ada: RefundRequest, hiro: User) -> None:
        with nothing_moves(), pytest.raises(texts.BadText) as refused:
            getattr(talking, verb)(request_id=request_of_ada.pk, staff=hiro, at=LATER, **{field: " "})
        assert refused.value.field == field
