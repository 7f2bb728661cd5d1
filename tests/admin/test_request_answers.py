"""Working on a refund request in the staff pages: each button, what it shows beforehand, what it refuses."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Transfer
from orders.models import Cause, Order, OrderStatus
from panel.notifications.models import Email
from refunds.desk import talking
from refunds.models import DecisionState, RefundRequest, RefundRequestEvent, RequestEventKind, RequestState
from tests.admin.furniture import PICTURE
from tests.admin.pages import action, clerk, confirm, detail, said, signed_in, submit, text_of
from tests.factories import AT, fund, make_customer, make_staff, move
from tests.factories.desk import (
    approve,
    ask_for_refund,
    completed,
    decision_in_review,
    decline,
    order_in_review,
    started,
)

pytestmark = pytest.mark.django_db
MODEL = "refunds_refundrequest"


def agent(name: str = "hiro") -> Client:
    return signed_in(make_staff(name, "Agent"))


def approver(name: str = "ida") -> Client:
    return signed_in(make_staff(name, "Approver"))


def kinds(wish: RefundRequest) -> list[str]:
    return list(wish.events.values_list("kind", flat=True))


def letters(wish: RefundRequest) -> list[str]:
    return list(Email.objects.filter(customer=wish.customer).order_by("pk").values_list("template", flat=True))


class TestTalking:
    def test_claims_and_releases(self) -> None:
        wish, staff = order_in_review(), make_staff("hiro", "Agent")
        client = signed_in(staff)

        said(client, submit(client, action(MODEL, "claim", wish.pk)))
        assert RefundRequest.objects.get(pk=wish.pk).assignee == staff
        said(client, submit(client, action(MODEL, "release", wish.pk)))

        assert RefundRequest.objects.get(pk=wish.pk).assignee is None
        assert kinds(wish) == ["opened", "claimed", "released"]

    def test_taking_over_from_a_colleague_says_from_whom(self) -> None:
        wish, hiro = order_in_review(), make_staff("hiro", "Agent")
        submit(signed_in(hiro), action(MODEL, "claim", wish.pk))
        client = approver()

        assert f"{hiro} has it." in text_of(client.get(action(MODEL, "claim", wish.pk)))
        submit(client, action(MODEL, "claim", wish.pk))

        wish.refresh_from_db()
        assert wish.assignee != hiro
        assert kinds(wish) == ["opened", "claimed", "claimed"]

    def test_asks_the_customer_by_letter(self) -> None:
        wish, client = order_in_review(), agent()
        before = letters(wish)

        said(client, submit(client, action(MODEL, "ask_customer", wish.pk), {"question": "Which link was it?"}))

        wish.refresh_from_db()
        assert wish.asked_at is not None
        assert letters(wish) == [*before, "request_question"]

    def test_keeps_a_note_that_no_customer_gets(self) -> None:
        wish, client = order_in_review(), agent()
        before = letters(wish)

        page = said(client, submit(client, action(MODEL, "note", wish.pk), {"text": "Provider is <slow>"}))

        assert "Provider is &lt;slow&gt;" in page
        assert letters(wish) == before

    def test_refers_to_the_provider(self) -> None:
        wish, client = order_in_review(), agent()

        assert "can&#x27;t be canceled through the provider&#x27;s API" in text_of(
            client.get(action(MODEL, "refer", wish.pk))
        )
        said(client, submit(client, action(MODEL, "refer", wish.pk), {"note": "Asked by telephone"}))

        wish.refresh_from_db()
        assert wish.referred_at is not None
        assert wish.is_open

    @pytest.mark.parametrize(
        ("name", "field"),
        [("ask_customer", "question"), ("note", "text"), ("refer", "note"), ("approve", "note"), ("decline", "note")],
    )
    @pytest.mark.parametrize("text", ["", "   ", "x" * 4001, "nul\0"], ids=["empty", "blank", "long", "nul"])
    def test_refuses_no_words_and_too_many_beside_the_field(self, name: str, field: str, text: str) -> None:
        wish, client = order_in_review(), agent()

        answer = submit(client, action(MODEL, name, wish.pk), {"clause": wish.clause, field: text})

        assert list(answer.context["form"].errors) == [field]
        assert kinds(wish) == ["opened"]


class TestApproving:
    def test_credits_what_was_shown(self) -> None:
        wish, staff = order_in_review(), make_staff("hiro", "Agent")
        client = signed_in(staff)
        address = action(MODEL, "approve", wish.pk)

        preview = text_of(submit(client, address, {"note": "The log shows a stop"}))
        assert "Credited now" in preview
        assert "4.00 USD" in preview
        assert "Of that, stays with the panel" in preview
        assert "6.00 USD" in preview
        assert Order.objects.get(pk=wish.order_id).refunded == 0
        page = said(client, confirm(client, address, {"note": "The log shows a stop"}))

        assert f"Request {wish.pk} is approved: 4.00 USD credited." in page
        wish.refresh_from_db()
        assert (wish.state, wish.closed_by, wish.amount) == (RequestState.APPROVED, staff, Decimal(4))
        assert wish.decision is not None
        assert wish.decision.state == DecisionState.APPROVED
        assert Order.objects.get(pk=wish.order_id).refunded == Decimal(4)
        assert letters(wish)[-1] == "request_approved"

    def test_a_report_between_the_preview_and_its_confirmation_is_shown_first(self) -> None:
        wish, client = ask_for_refund(started(remains=400)), agent()
        given = {"note": "Fine", "remains": "400"}
        address = action(MODEL, "approve", wish.pk)
        preview = submit(client, address, given)
        seen = preview.context["preview"].token
        order = Order.objects.get(pk=wish.order_id)
        move(order, OrderStatus.PARTIAL, remains=100, cause=Cause.PROVIDER_CANCELED)
        credited = order.refunded

        answer = client.post(address, {"_asked": "1", "_seen": seen, **given})

        assert answer.status_code == 200
        order.refresh_from_db()
        assert order.refunded == credited == Decimal(1)

    def test_ends_a_running_order_with_the_remains_that_were_given(self) -> None:
        wish, client = ask_for_refund(started(remains=300)), agent()
        address = action(MODEL, "approve", wish.pk)

        missing = submit(client, address, {"note": "Stopped", "remains": ""})
        assert "remains" in missing.context["form"].errors
        preview = text_of(submit(client, address, {"note": "Stopped", "remains": "300"}))
        assert "Partial, 300 undelivered" in preview
        said(client, confirm(client, address, {"note": "Stopped", "remains": "300"}))

        order = Order.objects.get(pk=wish.order_id)
        assert (order.status, order.remains, order.refunded) == (OrderStatus.PARTIAL, 300, Decimal(3))

    def test_what_is_above_the_limit_is_recommended_and_the_preview_says_why(self) -> None:
        wish, staff = ask_for_refund(started(rate="500")), make_staff("hiro", "Agent")
        client = signed_in(staff)
        address, given = action(MODEL, "approve", wish.pk), {"note": "Nothing came", "remains": "1000"}
        before = Transfer.objects.count()

        assert "Yes: it is above 100.00 USD" in text_of(submit(client, address, given))
        page = said(client, confirm(client, address, given))

        assert "500.00 USD recommended. A second person has to confirm it." in page
        wish.refresh_from_db()
        assert (wish.state, wish.recommended_by) == (RequestState.OPEN, staff)
        assert Transfer.objects.count() == before

    def test_another_amount_takes_a_second_person(self) -> None:
        wish, client = order_in_review(), agent()
        address, given = action(MODEL, "approve_other", wish.pk), {"amount": "2.5", "note": "Half of it"}

        assert "Yes: it differs from the 4.00 USD that the policy proposes" in text_of(submit(client, address, given))
        said(client, confirm(client, address, given))

        wish.refresh_from_db()
        assert wish.recommended_amount == Decimal("2.5")
        assert Order.objects.get(pk=wish.order_id).refunded == 0

    def test_what_the_policy_proposes_is_no_other_amount(self) -> None:
        wish, client = order_in_review(), agent()
        before = letters(wish)

        answer = submit(client, action(MODEL, "approve_other", wish.pk), {"amount": "4", "note": "So"})

        assert answer.context["form"].errors["amount"] == ["This is what the policy proposes: approve it as proposed."]
        assert kinds(wish) == ["opened"]
        assert letters(wish) == before

    def test_the_page_that_answers_shows_the_files_and_the_latest_message(self) -> None:
        wish, client = ask_for_refund(started(remains=300), files=(PICTURE,)), agent()
        for text in ("First", "Is there <b>anything</b>?"):
            talking.message(request_id=wish.pk, customer=wish.customer, text=text, at=AT)

        page = client.get(action(MODEL, "approve_other", wish.pk))

        rows = dict(page.context["question"].panels[0].rows)
        assert reverse("refund-file", args=[wish.pk, 1]) in rows["Files"]
        assert rows["The customer wrote last"].endswith("Is there &lt;b&gt;anything&lt;/b&gt;?")
        assert page.context["question"].submit == "Recommend it"

    @pytest.mark.parametrize("amount", ["", "0", "-1", "1e1", "10.000001", "1.0000001", "NaN"])
    def test_refuses_an_amount_that_can_not_be_credited(self, amount: str) -> None:
        wish, client = order_in_review(), agent()

        answer = submit(client, action(MODEL, "approve_other", wish.pk), {"amount": amount, "note": "So"})

        assert list(answer.context["form"].errors) == ["amount"]
        assert kinds(wish) == ["opened"]

    def test_the_second_to_approve_is_told_so_and_nothing_is_paid_twice(self) -> None:
        wish, client = order_in_review(), agent()
        approve(wish, make_staff())

        answer = submit(client, action(MODEL, "approve", wish.pk), {"note": "Me too"})

        assert "This request is approved already." in text_of(answer)
        assert Order.objects.get(pk=wish.order_id).refunded == Decimal(4)


class TestFourEyes:
    def test_a_second_person_sees_who_recommends_what_and_confirms(self) -> None:
        wish, hiro = order_in_review(), make_staff("hiro", "Agent")
        approve(wish, hiro, "2", note="Half of it came")
        client = approver()
        address = action(MODEL, "confirm", wish.pk)

        page = text_of(client.get(address))
        assert hiro.email in page
        assert "Half of it came" in page
        done = said(client, confirm(client, address))

        assert "is approved: 2.00 USD credited" in done
        assert Order.objects.get(pk=wish.order_id).refunded == Decimal(2)

    def test_nobody_confirms_an_own_recommendation_not_even_a_superuser(self) -> None:
        wish, boss = order_in_review(), make_staff("boss")
        approve(wish, boss, "2")
        client = signed_in(boss)

        answer = confirm(client, action(MODEL, "confirm", wish.pk))

        assert "Nobody confirms an own recommendation" in text_of(answer)
        assert Order.objects.get(pk=wish.order_id).refunded == 0

    def test_an_agent_confirms_nothing(self) -> None:
        wish = order_in_review()
        approve(wish, make_staff("hiro", "Agent"), "2")
        client = agent("juri")

        assert client.get(action(MODEL, "confirm", wish.pk)).status_code == 403
        assert client.post(action(MODEL, "confirm", wish.pk), {"_asked": "1"}).status_code == 403
        assert Order.objects.get(pk=wish.order_id).refunded == 0

    def test_sends_back_with_the_reason_for_whoever_looks_next(self) -> None:
        wish, client = order_in_review(), approver()
        approve(wish, make_staff("hiro", "Agent"), "2")

        page = said(client, submit(client, action(MODEL, "send_back", wish.pk), {"note": "Ask which link"}))

        assert "Ask which link" in page
        wish.refresh_from_db()
        assert wish.is_open
        assert not wish.awaits_second

    def test_a_recommendation_that_the_order_outran_is_not_confirmed(self) -> None:
        wish, client = ask_for_refund(started(rate="500")), approver()
        approve(wish, make_staff("hiro", "Agent"), remains=1000)
        address = action(MODEL, "confirm", wish.pk)
        seen = submit(client, address).context["preview"].token
        move(Order.objects.get(pk=wish.order_id), OrderStatus.COMPLETED, remains=0)

        answer = client.post(address, {"_asked": "1", "_seen": seen})

        assert "Nothing is recommended for this request." in text_of(answer)
        assert Order.objects.get(pk=wish.order_id).refunded == 0


class TestDeclining:
    def test_names_a_clause_and_says_why(self) -> None:
        wish, client = order_in_review(), agent()
        address = action(MODEL, "decline", wish.pk)

        page = client.get(address)
        offered = [value for value, _ in page.context["form"].fields["clause"].choices]
        assert offered[:2] == ["", wish.clause]
        said(client, submit(client, address, {"clause": wish.clause, "note": "All of it is there"}))

        wish.refresh_from_db()
        assert (wish.state, wish.answer_clause, wish.answer) == ("declined", wish.clause, "All of it is there")
        assert wish.decision is None or wish.decision.state == DecisionState.DECLINED
        assert Order.objects.get(pk=wish.order_id).refunded == 0
        assert letters(wish)[-1] == "request_declined"

    @pytest.mark.parametrize("clause", ["", "no-such-clause", "undelivered-part"])
    def test_refuses_a_reason_that_is_none(self, clause: str) -> None:
        wish, client = order_in_review(), agent()

        answer = submit(client, action(MODEL, "decline", wish.pk), {"clause": clause, "note": "No"})

        assert list(answer.context["form"].errors) == ["clause"]
        wish.refresh_from_db()
        assert wish.is_open
        assert decision_in_review(wish.order).state == DecisionState.AWAITING_REVIEW

    def test_what_is_answered_is_not_answered_again(self) -> None:
        wish, client = order_in_review(), agent()
        decline(wish, make_staff())

        answer = submit(client, action(MODEL, "decline", wish.pk), {"clause": wish.clause, "note": "No"})

        assert "This request is declined already." in text_of(answer)


class TestOwnRequests:
    def test_nobody_works_on_a_request_of_an_own_account(self) -> None:
        staff = make_staff("ida", "Manager")
        fund(staff, "20")
        wish = ask_for_refund(started(staff))
        client = signed_in(staff)

        for name, given in (
            ("claim", {}),
            ("note", {"text": "Mine"}),
            ("decline", {"clause": wish.clause, "note": "No"}),
        ):
            answer = submit(client, action(MODEL, name, wish.pk), given)
            assert "Nobody works on a request of an own account." in text_of(answer), name
        given = {"note": "For me", "remains": "1000"}
        answer = confirm(client, action(MODEL, "approve", wish.pk), given)

        assert "Nobody works on a request of an own account." in text_of(answer)
        assert kinds(wish) == ["opened"]
        assert Order.objects.get(pk=wish.order_id).refunded == 0


class TestOpening:
    def test_opens_for_a_customer_who_wrote_in_after_showing_what_the_policy_says(self) -> None:
        order, staff = completed(), make_staff("hiro", "Agent")
        client = signed_in(staff)
        address = action("orders_order", "open_request", order.pk)
        given = {"cause": "cannot_complete", "description": "She wrote: <nothing> came."}

        assert "asked-afterwards" in text_of(submit(client, address, given))
        assert not RefundRequest.objects.exists()
        said(client, confirm(client, address, given))

        wish = RefundRequest.objects.get()
        assert (wish.origin, wish.opened_by, wish.customer) == ("staff", staff, order.customer)
        assert wish.description == "She wrote: <nothing> came."
        assert letters(wish)[-1] == "request_received"
        titles = [button["title"] for button in client.get(detail("orders_order", order.pk)).context["actions_detail"]]
        assert titles == []

    def test_refuses_a_second_open_request_and_a_cause_that_does_not_fit(self) -> None:
        order, client = completed(), agent()
        address = action("orders_order", "open_request", order.pk)

        unfit = submit(client, address, {"cause": "change_of_mind", "description": "Hm"})
        assert list(unfit.context["form"].errors) == ["cause"]
        ask_for_refund(order)
        again = submit(client, address, {"cause": "cannot_complete", "description": "Hm"})

        assert "is open already" in text_of(again)
        assert RefundRequest.objects.count() == 1

    def test_who_may_not_open_requests_opens_none(self) -> None:
        order, client = completed(), signed_in(clerk("orders.view_order", "orders.change_order"))
        address = action("orders_order", "open_request", order.pk)

        assert client.get(address).status_code == 403
        assert client.post(address, {"_asked": "1", "cause": "dropped", "description": "x"}).status_code == 403
        assert not RefundRequest.objects.exists()


def test_every_step_of_the_log_says_who() -> None:
    wish, staff = order_in_review(make_customer("ada", funds="20")), make_staff("hiro", "Agent")
    client = signed_in(staff)
    submit(client, action(MODEL, "claim", wish.pk))
    submit(client, action(MODEL, "note", wish.pk), {"text": "So"})
    confirm(client, action(MODEL, "approve", wish.pk), {"note": "Fine"})

    events = RefundRequestEvent.objects.filter(request=wish).exclude(kind=RequestEventKind.OPENED)
    assert [(event.kind, event.actor) for event in events] == [
        (RequestEventKind.CLAIMED, staff),
        (RequestEventKind.NOTE, staff),
        (RequestEventKind.APPROVED, staff),
    ]
    assert all(event.at > AT for event in events)
