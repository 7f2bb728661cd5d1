"""The list of refund requests and the page of one: what a customer reads there, and what he can do."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Cause, OrderStatus
from panel.accounts.models import User
from refunds.desk import deciding, referring, talking
from refunds.desk.plans import Choice
from refunds.models import RefundRequest, RequestEventKind, RequestState
from tests.factories import AT, HOUR, make_customer, make_service, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    decline,
    make_agent,
    order_in_review,
    partly_delivered,
    started,
)
from tests.refunds.desk.ground import kinds, nothing_moves
from tests.web import pages

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """It is November 2, noon in UTC, an hour after the first request."""
    with time_machine.travel(AT + HOUR, tick=False) as traveller:
        yield traveller


@pytest.fixture
def request_of_ada(ada: User) -> RefundRequest:
    """A request about a running order of which 400 of 1,000 units are missing; 4.00 are proposed."""
    return ask_for_refund(started(ada, remains=400), Cause.PLATFORM_DELAY)


@pytest.fixture
def hiro(db: None) -> User:  # noqa: ARG001 - needs the database
    """A member of staff whose name no customer should read."""
    return make_agent("hiro")


def path(request: RefundRequest, suffix: str = "") -> str:
    return f"/refunds/{request.pk}/{suffix}"


def read(browser: Client, request: RefundRequest) -> str:
    return pages.text(browser.get(path(request)))


class TestThePage:
    def test_says_where_it_stands_and_until_when_in_the_customers_zone(
        self, browser: Client, ada: User, request_of_ada: RefundRequest
    ) -> None:
        ada.time_zone = "Asia/Kolkata"
        ada.save(update_fields=["time_zone"])

        said = read(browser, request_of_ada)

        assert f"Refund request {request_of_ada.pk} Waiting for us" in said
        assert "A person looks at it. You get the answer here and by e-mail." in said
        assert "between Tuesday, November 3, 17:30 IST and Wednesday, November 4, 17:30 IST" in said
        assert "You asked for a refund" in said
        assert "It takes too long." in said
        assert "Hardly anybody came." in said
        assert "The rule: Processing or in progress, and you report a problem" in said

    def test_admits_that_it_is_late(
        self, browser: Client, request_of_ada: RefundRequest, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(request_of_ada.due_at - timedelta(seconds=1))
        before = read(browser, request_of_ada)
        clock.move_to(request_of_ada.due_at)
        after = read(browser, request_of_ada)

        assert "late" not in before
        assert "This is late, and we are sorry. You should have had an answer by Wednesday, November 4, 12:00" in after
        assert "late , due 4 Nov 2026, 12:00 UTC" in pages.text(browser.get("/refunds/"))

    def test_tells_questions_and_messages_and_that_it_waits_for_the_customer(
        self, browser: Client, ada: User, request_of_ada: RefundRequest, hiro: User
    ) -> None:
        talking.message(request_id=request_of_ada.pk, customer=ada, text="Are you <i>there</i>?", at=AT)
        talking.ask(request_id=request_of_ada.pk, staff=hiro, question="Which post?\nSend a link.", at=AT)

        page = browser.get(path(request_of_ada))

        said = pages.text(page)
        assert "You wrote" in said
        assert "Are you <i>there</i>?" in said
        assert b"Which post?<br>Send a link." in page.content
        assert "Waiting for you" in said
        assert "We have a question, and go on when you have answered it." in said
        assert "Your answer" in said

    def test_keeps_what_staff_keep_to_themselves(
        self, browser: Client, request_of_ada: RefundRequest, hiro: User
    ) -> None:
        number = request_of_ada.pk
        talking.claim(request_id=number, staff=hiro, at=AT)
        talking.note(request_id=number, staff=hiro, text="Smells of a friend of the provider.", at=AT)
        referring.refer(request_id=number, staff=hiro, note="Provider 7: is order 99 stuck?", at=AT)
        choice = Choice(amount=request_of_ada.order.charge, remains=400)
        deciding.approve(request_id=number, staff=hiro, choice=choice, note="Give him all.", seen=None, at=AT)
        deciding.send_back(request_id=number, staff=hiro, note="Too much.", at=AT)
        talking.release(request_id=number, staff=hiro, at=AT)

        for address in (path(request_of_ada), f"/orders/{request_of_ada.order_id}/", "/refunds/"):
            said = pages.text(browser.get(address))
            for secret in ("Smells", "Provider 7", "Give him all", "Too much", "Hiro", "hiro", "second person", "note"):
                assert secret not in said, address
        assert "Our staff asked the provider" in read(browser, request_of_ada)

    def test_tells_an_approval_with_its_reason_and_amount(self, browser: Client, ada: User, hiro: User) -> None:
        request = order_in_review(ada)
        approve(request, hiro, note="The link was mended in time.")

        said = read(browser, request)

        assert "Approved" in said
        assert "4.00 USD was credited to your balance. The link was mended in time." in said
        assert "Credited 4.00 USD" in said
        assert "The rule: Wrong link or target" in said
        assert "Take the request back" not in said

    def test_tells_a_decline_with_its_reason_and_the_way_to_support(
        self, browser: Client, request_of_ada: RefundRequest, hiro: User
    ) -> None:
        decline(request_of_ada, hiro, note="It was delivered on time.")

        page = browser.get(path(request_of_ada))

        assert "Declined" in pages.text(page)
        assert "It was delivered on time." in pages.text(page)
        assert f"/support/new/?order={request_of_ada.order_id}&kind=refund" in pages.links(page)

    def test_tells_that_the_orders_own_end_settled_it(self, browser: Client, request_of_ada: RefundRequest) -> None:
        move(request_of_ada.order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)

        said = read(browser, request_of_ada)

        request_of_ada.refresh_from_db()
        assert request_of_ada.state == RequestState.SUPERSEDED
        assert "Settled with the order" in said
        assert "The order moved on and settled this: 4.00 USD is on your balance." in said

    def test_tells_that_the_order_moved_while_it_waits(self, browser: Client, ada: User) -> None:
        order = started(ada, remains=400)
        request = ask_for_refund(order, Cause.SYSTEM_ERROR)
        move(order, OrderStatus.COMPLETED, remains=0)

        said = read(browser, request)

        assert "The order moved" in said
        assert "The order is completed now." in said
        assert "Waiting for us" in said

    def test_tells_why_a_person_looks_at_an_order_that_nobody_asked_about(self, browser: Client, ada: User) -> None:
        request = order_in_review(ada)

        page = browser.get(path(request))

        said = pages.text(page)
        assert "Left to a person" in said
        assert "The order ended in a way that a person has to look at" in said
        assert "You asked" not in said
        assert path(request, "withdraw/") not in pages.links(page)

    def test_another_customers_request_looks_like_none(self, browser: Client) -> None:
        foreign = ask_for_refund(partly_delivered(make_customer("ben", funds="50")))

        answers = set()
        with nothing_moves():
            for number in (foreign.pk, 999_999, 99999999999999999999999):
                for suffix in ("", "withdraw/", "files/1/"):
                    answer = browser.get(f"/refunds/{number}/{suffix}")
                    answers.add((answer.status_code, pages.text(answer)))
                for suffix, field in (("message/", "text"), ("expedite/", "reason"), ("withdraw/", "text")):
                    answer = browser.post(f"/refunds/{number}/{suffix}", {field: "Hello"})
                    answers.add((answer.status_code, pages.text(answer)))

        assert {status for status, _ in answers} == {404}
        assert len(answers) == 1

    def test_a_visitor_is_sent_to_sign_in(self, client: Client, request_of_ada: RefundRequest) -> None:
        for address in ("/refunds/", path(request_of_ada), path(request_of_ada, "files/1/")):
            assert client.get(address)["Location"] == f"/accounts/login/?next={address}"
        for suffix in ("message/", "expedite/", "withdraw/"):
            answer = client.post(path(request_of_ada, suffix), {"text": "Hello", "reason": "Now"})
            assert answer["Location"] == f"/accounts/login/?next={path(request_of_ada, suffix)}"
        assert kinds(request_of_ada) == ["opened"]


class TestKeepingItselfUpToDate:
    def part(self, browser: Client, page: pages.Response, request: RefundRequest) -> pages.Response:
        query = {"seen": page.context["seen"], "since": page.context["since"]}
        return browser.get(path(request), query, headers={"HX-Request": "true"})

    def test_says_nothing_as_long_as_nothing_is_new(self, browser: Client, request_of_ada: RefundRequest) -> None:
        page = browser.get(path(request_of_ada))

        assert self.part(browser, page, request_of_ada).status_code == 204

    def test_sends_the_news_without_the_forms(self, browser: Client, request_of_ada: RefundRequest, hiro: User) -> None:
        page = browser.get(path(request_of_ada))
        talking.ask(request_id=request_of_ada.pk, staff=hiro, question="Which post?", at=AT)

        part = self.part(browser, page, request_of_ada)

        assert part.status_code == 200
        assert "Which post?" in pages.text(part)
        assert b"<textarea" not in part.content
        assert b'id="answering"' not in part.content

    def test_takes_the_forms_away_and_stops_asking_once_it_is_answered(
        self, browser: Client, request_of_ada: RefundRequest, hiro: User
    ) -> None:
        page = browser.get(path(request_of_ada))
        decline(request_of_ada, hiro)

        part = self.part(browser, page, request_of_ada)

        assert b'id="answering" hx-swap-oob="true"></div>' in part.content
        assert b"hx-trigger" not in part.content

    def test_stops_after_a_quarter_of_an_hour(
        self, browser: Client, request_of_ada: RefundRequest, clock: time_machine.Traveller
    ) -> None:
        page = browser.get(path(request_of_ada))
        clock.shift(timedelta(minutes=15))

        part = self.part(browser, page, request_of_ada)

        assert part.status_code == 286
        assert b"hx-trigger" not in part.content


class TestWriting:
    def test_adds_a_message_that_answers_the_question(
        self, browser: Client, request_of_ada: RefundRequest, hiro: User
    ) -> None:
        talking.ask(request_id=request_of_ada.pk, staff=hiro, question="Which post?", at=AT)

        answer = browser.post(path(request_of_ada, "message/"), {"text": "The first\r\none."})

        assert answer["Location"] == path(request_of_ada)
        request_of_ada.refresh_from_db()
        assert request_of_ada.asked_at is None
        last = request_of_ada.events.last()
        assert last is not None
        assert (last.kind, last.text) == (RequestEventKind.MESSAGE, "The first\none.")

    def test_a_message_sent_twice_is_said_once(self, browser: Client, request_of_ada: RefundRequest) -> None:
        for _ in range(2):
            answer = browser.post(path(request_of_ada, "message/"), {"text": "Are you there?"})
            assert answer.status_code == 302
        assert kinds(request_of_ada) == ["opened", "message"]

        browser.post(path(request_of_ada, "message/"), {"text": "Hello?"})

        assert kinds(request_of_ada) == ["opened", "message", "message"]

    @pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "a\0b"])
    def test_a_bad_message_is_said_beside_the_field_and_kept(
        self, browser: Client, request_of_ada: RefundRequest, text: str
    ) -> None:
        with nothing_moves():
            answer = browser.post(path(request_of_ada, "message/"), {"text": text})

        assert answer.status_code == 422
        assert pages.element(answer, "text-error")
        assert text.strip()[:50].replace("\0", "") in answer.content.decode().replace("\0", "")

    def test_asks_for_an_earlier_answer_once(self, browser: Client, request_of_ada: RefundRequest) -> None:
        answer = browser.post(path(request_of_ada, "expedite/"), {"reason": "The launch is on Friday."})

        said = pages.text(browser.get(answer["Location"]))
        assert "You asked for an earlier answer" in said
        assert "The launch is on Friday." in said
        assert "Do you need an answer sooner?" not in said
        with nothing_moves():
            again = browser.post(path(request_of_ada, "expedite/"), {"reason": "Really."})
        assert again.status_code == 422

    @pytest.mark.parametrize("reason", ["", "x" * 301])
    def test_a_bad_reason_is_said_beside_the_field(
        self, browser: Client, request_of_ada: RefundRequest, reason: str
    ) -> None:
        with nothing_moves():
            answer = browser.post(path(request_of_ada, "expedite/"), {"reason": reason})

        assert answer.status_code == 422
        assert pages.element(answer, "reason-error")
        assert b'<details class="card" open>' in answer.content

    def test_takes_it_back_after_a_question(self, browser: Client, request_of_ada: RefundRequest) -> None:
        with nothing_moves():
            asked = browser.get(path(request_of_ada, "withdraw/"))
        answer = browser.post(path(request_of_ada, "withdraw/"))

        request_of_ada.refresh_from_db()
        assert f"Take refund request {request_of_ada.pk} back?" in pages.text(asked)
        assert request_of_ada.state == RequestState.WITHDRAWN
        page = browser.get(answer["Location"])
        assert "Taken back" in pages.text(page)
        assert f"/refunds/new/?order={request_of_ada.order_id}" in pages.links(page)

    def test_what_the_orders_own_refund_hangs_on_is_not_taken_back(self, browser: Client, ada: User) -> None:
        request = order_in_review(ada)

        with nothing_moves():
            asked = browser.get(path(request, "withdraw/"), follow=True)
            posted = browser.post(path(request, "withdraw/"), follow=True)

        assert "This request can't be taken back." in pages.text(asked)
        assert "The refund of this order itself waits for this review" in pages.text(posted)

    def test_nothing_can_be_said_to_an_answered_request(
        self, browser: Client, request_of_ada: RefundRequest, hiro: User
    ) -> None:
        decline(request_of_ada, hiro)

        with nothing_moves():
            said = browser.post(path(request_of_ada, "message/"), {"text": "But"})
            hurried = browser.post(path(request_of_ada, "expedite/"), {"reason": "Now"})
            withdrawn = browser.post(path(request_of_ada, "withdraw/"), follow=True)

        for answer in (said, hurried):
            assert answer.status_code == 409
            assert "This request is declined already." in pages.text(answer)
        assert "This request is declined already." in pages.text(withdrawn)

    @pytest.mark.parametrize("suffix", ["message/", "expedite/"])
    def test_looking_at_an_action_does_nothing(
        self, browser: Client, request_of_ada: RefundRequest, suffix: str
    ) -> None:
        assert browser.get(path(request_of_ada, suffix)).status_code == 405


class TestTheList:
    def test_lists_own_requests_with_state_amount_and_due(self, browser: Client, ada: User, hiro: User) -> None:
        paid = order_in_review(ada)
        approve(paid, hiro)
        waiting = ask_for_refund(started(ada), Cause.PLATFORM_DELAY)
        foreign = ask_for_refund(partly_delivered())

        page = browser.get("/refunds/")

        said = pages.text(page)
        assert f"{paid.pk} Order {paid.order_id}" in said
        assert "4.00 USD" in said
        assert "by 4 Nov 2026, 12:00 UTC" in said
        assert path(waiting) in pages.links(page)
        assert path(foreign) not in pages.links(page)

    def test_says_when_there_is_none(self, browser: Client) -> None:
        assert "You have asked for no refund yet." in pages.text(browser.get("/refunds/"))

    @pytest.mark.parametrize("before", ["", "abc", "-1", "9" * 40, "\x00"])
    def test_odd_input_is_no_fault(self, browser: Client, request_of_ada: RefundRequest, before: str) -> None:
        assert path(request_of_ada) in pages.links(browser.get("/refunds/", {"before": before}))

    @pytest.mark.usefixtures("credit_only_policy")
    def test_pages_join_without_a_gap_and_take_the_same_queries(self, browser: Client, ada: User) -> None:
        service = make_service(rate="0.10")
        ask_for_refund(place_order(ada, service, quantity=10), Cause.CHANGE_OF_MIND)
        browser.get("/refunds/")
        with CaptureQueriesContext(connection) as few:
            browser.get("/refunds/")
        for _ in range(29):
            ask_for_refund(place_order(ada, service, quantity=10), Cause.CHANGE_OF_MIND)

        with CaptureQueriesContext(connection) as many:
            first = browser.get("/refunds/")
        older = next(link for link in pages.links(first) if "before=" in link)
        second = browser.get(older)

        assert len(many) == len(few)
        shown = [[row["request"].pk for row in page.context["rows"]] for page in (first, second)]
        assert [len(numbers) for numbers in shown] == [25, 5]
        assert [*shown[0], *shown[1]] == list(RefundRequest.objects.order_by("-pk").values_list("pk", flat=True))

    def test_the_header_leads_there(self, browser: Client) -> None:
        assert "/refunds/" in pages.links(browser.get("/orders/"))
