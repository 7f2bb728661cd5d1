"""The refund queue: what waits, by when it is due, in words; and the page of one request."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from orders import handling
from orders.models import Cause, OrderStatus
from panel.accounts import standing
from panel.accounts.models import Standing, User
from refunds.desk import talking
from refunds.models import Decision, RefundRequest
from tests.admin.furniture import PICTURE
from tests.admin.pages import detail, listing, signed_in, text_of
from tests.factories import AT, fund, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    confirm,
    decision_in_review,
    decline,
    order_in_review,
    partly_delivered,
    started,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = AT + timedelta(hours=42, minutes=40)


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def asked(at: datetime) -> RefundRequest:
    """Return the request of a customer whose running order is slow, opened at `at`."""
    return ask_for_refund(started(), at=at)


def shown(client: Client, **query: object) -> list[RefundRequest]:
    answer = client.get(listing("refunds_refundrequest", **query))
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def buttons(client: Client, wish: RefundRequest) -> list[str]:
    page = client.get(detail("refunds_refundrequest", wish.pk))
    return [button["title"] for button in page.context["actions_detail"]]


def review_of_an_own_order(staff: User) -> RefundRequest:
    """Return the request about an order that a member of staff placed."""
    fund(staff, "20")
    order = started(staff)
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff("boss"), at=AT, remains=400)
    return RefundRequest.objects.get(order=order)


class TestQueue:
    def test_shows_what_waits_by_when_it_is_due(self) -> None:
        later, first, answered = asked(AT + HOUR), asked(AT), order_in_review()
        decline(answered, make_staff())
        client = signed_in(make_staff(group="Agent"))

        assert shown(client) == [first, later]

    def test_each_tab_shows_its_own(self) -> None:
        staff = make_staff(group="Agent")
        overdue, soon, later = asked(AT - 7 * HOUR), asked(AT), asked(AT + 30 * HOUR)
        closed, recommended = order_in_review(), asked(AT + 31 * HOUR)
        decline(closed, make_staff())
        talking.claim(request_id=later.pk, staff=staff, at=NOW)
        talking.expedite(request_id=soon.pk, customer=soon.customer, reason="A fair", at=NOW)
        approve(recommended, make_staff(), "4", remains=300)
        client = signed_in(staff)

        tabs = {
            "": [overdue, soon, later, recommended],
            "due_soon": [soon],
            "overdue": [overdue],
            "mine": [later],
            "expedited": [soon],
            "to_confirm": [recommended],
            "answered": [closed],
            "all": [recommended, closed, later, soon, overdue],
        }
        assert {tab: shown(client, show=tab) for tab in tabs} == tabs

    def test_what_is_due_at_this_very_moment_is_overdue_and_what_is_due_in_twelve_hours_is_due_soon(self) -> None:
        at_once, in_twelve = asked(NOW - 48 * HOUR), asked(NOW - 36 * HOUR)
        asked(NOW - 36 * HOUR + timedelta(seconds=1))
        client = signed_in(make_staff())

        assert shown(client, show="overdue") == [at_once]
        assert shown(client, show="due_soon") == [in_twelve]

    def test_counts_down_in_the_hours_of_the_policy(self) -> None:
        asked(AT)
        asked(NOW - 50 * HOUR)
        client = signed_in(make_staff())

        page = text_of(client.get(listing("refunds_refundrequest")))

        assert "Due in 5 h 20 min" in page
        assert "of 24 to 48 h" in page
        assert "Overdue by 2 h" in page

    def test_shows_what_is_at_stake_and_what_sets_a_request_apart(self) -> None:
        flagged = make_customer("mallory", funds="20")
        standing.change(user=flagged, to=Standing.ABUSE_FLAGGED, reason="Often", staff=make_staff(), at=AT)
        wish = order_in_review(flagged)
        talking.expedite(request_id=wish.pk, customer=flagged, reason="A fair", at=AT)
        talking.ask(request_id=wish.pk, staff=make_staff(), question="Which link?", at=AT)
        approve(wish, make_staff(), "3")

        page = text_of(signed_in(make_staff()).get(listing("refunds_refundrequest")))

        assert "4.00 USD" in page
        assert "→ 3.00 USD" in page
        assert "Flagged for abuse" in page
        marks = [page.index(f">{words}</span>") for words in ("Expedited", "To be confirmed", "Question open")]
        assert marks == sorted(marks)

    def test_says_who_opened_it_only_where_the_customer_did_not_and_who_has_it_in_short(self) -> None:
        wish, own = order_in_review(), asked(AT)
        agent = make_staff("hiro", "Agent")
        talking.claim(request_id=wish.pk, staff=agent, at=NOW)
        client = signed_in(make_staff())

        rows = {row.pk: row for row in shown(client)}
        page = client.get(listing("refunds_refundrequest"))
        admin = page.context["cl"].model_admin

        assert admin.number(rows[wish.pk]) == f"{wish.pk}<br>policy"
        assert admin.number(rows[own.pk]) == str(own.pk)
        assert (admin.holder_in_short(rows[wish.pk]), admin.holder_in_short(rows[own.pk])) == (agent.name, "-")
        agent.name = ""
        agent.save(update_fields=["name"])
        assert admin.holder_in_short(RefundRequest.objects.get(pk=wish.pk)) == agent.email.split("@")[0]

    def test_the_arrow_stands_where_the_list_is_sorted(self) -> None:
        asked(AT)
        client = signed_in(make_staff())

        def marked(**query: object) -> list[str]:
            found = client.get(listing("refunds_refundrequest", **query)).context["cl"]
            return [found.list_display[place] for place in found.get_ordering_field_columns()]

        assert marked() == marked(show="overdue") == ["clock_label"]
        assert marked(show="all") == marked(show="answered") == ["number"]
        assert marked(show="all", o="2") == ["clock_label"]

    def test_the_tab_of_those_to_whom_the_customer_wrote_shows_them_until_somebody_answers(self) -> None:
        wish, _other = asked(AT), asked(AT)
        talking.message(request_id=wish.pk, customer=wish.customer, text="Is there anything new?", at=NOW)
        client = signed_in(make_staff())

        assert shown(client, show="unread") == [wish]
        assert ">Customer wrote</span>" in text_of(client.get(listing("refunds_refundrequest")))
        talking.ask(request_id=wish.pk, staff=make_staff(), question="Which link?", at=NOW)

        assert shown(client, show="unread") == []

    def test_finds_by_number_order_and_whole_address(self) -> None:
        sought, other = order_in_review(), order_in_review()
        decline(sought, make_staff())
        client = signed_in(make_staff(group="Agent"))

        assert sought in shown(client, q=str(sought.pk))
        assert sought in shown(client, q=f"#{sought.order_id}")
        assert shown(client, q=sought.customer.email.upper()) == [sought]
        assert shown(client, q=other.customer.email) == [other]
        assert shown(client, q="ada") == shown(client, q="9" * 25) == shown(client, q="'%") == []

    def test_the_sidebar_says_how_many_are_overdue_or_else_how_many_wait(self) -> None:
        client = signed_in(make_staff(group="Agent"))

        def badge() -> object:
            groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
            items = [item for group in groups for item in group["items"] if item["title"] == "Refund requests"]
            return items[0].get("badge")

        assert badge() is None
        asked(AT)
        assert badge() == "1"
        asked(AT - 10 * HOUR)
        assert badge() == "1 overdue"


class TestPage:
    def test_shows_what_one_needs_to_decide(self) -> None:
        wish = order_in_review()

        page = text_of(signed_in(make_staff(group="Agent")).get(detail("refunds_refundrequest", wish.pk)))

        for words in (
            "What the policy proposes now",
            "special-cause",
            "a person decides about what was not delivered",
            "cause: invalid target",
            "What each choice would credit",
            "What is undelivered: 400 of 1,000 units",
            "All that is left of the charge",
            "Yes: it differs from the 4.00 USD that the policy proposes",
            "600 (60 %)",
            "Timeline",
            "Due in 5 h 20 min of 24 to 48 h",
            "0 for 1 orders: 0 %",
        ):
            assert words in page or words.replace("'", "&#x27;") in page, words

    def test_what_is_proposed_and_asked_stands_above_the_clock(self) -> None:
        wish = order_in_review()

        answer = signed_in(make_staff()).get(detail("refunds_refundrequest", wish.pk))

        titles = ["What the policy proposes now", "What each choice would credit", "What is asked"]
        assert [panel.title for panel in answer.context["panels_above"]] == titles
        page = text_of(answer)
        title = page.index(f"Refund request {wish.pk}", page.index('id="content-main"'))
        assert title < page.index(titles[0]) < page.index(titles[2]) < page.index("Promised to the customer")

    def test_approving_an_order_of_which_nothing_was_sent_asks_for_no_remains(self) -> None:
        order = place_order(make_customer(funds="20"), make_service(rate="10"))
        move(order, OrderStatus.PROCESSING)
        wish = ask_for_refund(order, Cause.SYSTEM_ERROR)
        move(order, OrderStatus.PENDING)  # the provider had nothing of it
        client = signed_in(make_staff())

        page = text_of(client.get(detail("refunds_refundrequest", wish.pk)))

        assert "Nothing of the order was sent. Approving the request cancels it." in page
        assert "remain" not in page[page.index("What the policy proposes now") : page.index("What is asked")]

    def test_nothing_proposed_is_not_offered_to_be_approved(self) -> None:
        wish = ask_for_refund(partly_delivered())
        client = signed_in(make_staff())

        assert "Approve as proposed…" not in buttons(client, wish)
        assert {"Another amount…", "Decline…"} <= set(buttons(client, wish))

    def test_what_it_foretells_is_what_approving_credits(self) -> None:
        wish = order_in_review()
        client = signed_in(make_staff())

        assert "To be credited now" in text_of(client.get(detail("refunds_refundrequest", wish.pk)))
        before = wish.order.refunded
        approve(wish, make_staff())

        wish.order.refresh_from_db()
        assert wish.order.refunded - before == Decimal("4.00")
        after = text_of(client.get(detail("refunds_refundrequest", wish.pk)))
        assert "What the policy proposes now" not in after
        assert "Credited by this request" in after

    def test_says_that_approving_ends_a_running_order_and_needs_the_remains(self) -> None:
        unknown, known = ask_for_refund(started()), ask_for_refund(started(remains=250))
        client = signed_in(make_staff())

        first = text_of(client.get(detail("refunds_refundrequest", unknown.pk)))
        second = text_of(client.get(detail("refunds_refundrequest", known.pk)))

        assert "Approving the request ends it: nobody has reported how much was delivered" in first
        assert "up to 10.00 USD" in first
        assert "As proposed, with 250 units undelivered as last reported" in second
        assert "Partial, 250 undelivered" in second

    def test_shows_what_customers_typed_as_text(self) -> None:
        order = started()
        wish = ask_for_refund(order, description="<script>alert(1)</script>\nsecond & last", files=(PICTURE,))

        page = text_of(signed_in(make_staff()).get(detail("refunds_refundrequest", wish.pk)))

        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second &amp; last" in page
        assert reverse("refund-file", args=[wish.pk, 1]) in page
        assert "screen.png" in page

    def test_shows_the_customers_history_with_why_he_was_flagged(self) -> None:
        ada = make_customer("ada", funds="100")
        earlier = ask_for_refund(partly_delivered(ada))
        decline(earlier, make_staff(), note="It was all there")
        standing.change(user=ada, to=Standing.FRAUD_SUSPECTED, reason="Three cards", staff=make_staff(), at=AT)
        wish = ask_for_refund(started(User.objects.get(pk=ada.pk)))

        page = text_of(signed_in(make_staff()).get(detail("refunds_refundrequest", wish.pk)))

        assert "2 for 2 orders: 100 %" in page
        assert "2: 0 approved, 1 declined" in page
        assert "It was all there" in page
        assert "Three cards" in page
        assert "20.00 USD, of which 4.00 USD came back" in page

    def test_offers_what_fits_the_state_and_the_person(self) -> None:
        wish = order_in_review()
        agent, approver = make_staff("hiro", "Agent"), make_staff("ida", "Approver")
        first, second, other = signed_in(agent), signed_in(approver), signed_in(make_staff("juri", "Agent"))
        words = ["Ask…", "Note…", "Refer…"]
        answers = ["Approve as proposed…", "Another amount…", "Decline…"]

        assert buttons(first, wish) == buttons(second, wish) == ["Claim…", *answers, *words]
        talking.claim(request_id=wish.pk, staff=agent, at=NOW)
        assert buttons(first, wish) == ["Release…", *answers, *words]
        assert buttons(second, wish) == ["Claim…", *answers, *words]
        approve(wish, agent, "2")
        assert buttons(first, wish) == ["Release…", "Decline…", "Send back…", *words]
        assert buttons(second, wish) == ["Claim…", "Confirm…", "Send back…", *words]
        assert buttons(other, wish) == ["Claim…", "Send back…", *words]
        confirm(wish, approver)
        assert buttons(first, wish) == buttons(second, wish) == []

    def test_offers_nothing_on_a_request_of_ones_own(self) -> None:
        staff = make_staff(group="Approver")
        wish = review_of_an_own_order(staff)

        assert buttons(signed_in(staff), wish) == []

    def test_the_log_names_who_did_what(self) -> None:
        wish, agent = order_in_review(), make_staff("hiro", "Agent")
        talking.note(request_id=wish.pk, staff=agent, text="Looks <right>", at=NOW)

        page = text_of(signed_in(make_staff()).get(detail("refunds_refundrequest", wish.pk)))

        assert "Looks &lt;right&gt;" in page
        assert agent.email in page


class TestDecisions:
    def test_a_waiting_decision_leads_to_its_request_and_has_no_buttons(self) -> None:
        wish = order_in_review()
        decision = decision_in_review(wish.order)
        client = signed_in(make_staff())

        page = client.get(detail("refunds_decision", decision.pk))

        assert page.context["actions_detail"] == []
        address = detail("refunds_refundrequest", wish.pk)
        assert address in text_of(page)
        assert address in text_of(client.get(listing("refunds_decision")))

    def test_an_answered_decision_leads_to_where_it_was_answered(self) -> None:
        wish = order_in_review()
        approve(wish, make_staff())

        page = text_of(signed_in(make_staff()).get(detail("refunds_decision", Decision.objects.latest("pk").pk)))

        assert detail("refunds_refundrequest", wish.pk) in page

    def test_an_orders_page_lists_its_requests(self) -> None:
        wish = order_in_review()

        page = text_of(signed_in(make_staff(group="Agent")).get(detail("orders_order", wish.order_id)))

        assert detail("refunds_refundrequest", wish.pk) in page
