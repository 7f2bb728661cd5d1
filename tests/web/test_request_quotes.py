"""The live quote of the form for a refund request."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from orders.models import Order, OrderStatus
from panel.accounts.models import User
from refunds.models import RefundRequest
from tests.factories import AT, make_provider, make_service, move, place_order
from tests.factories.desk import (
    ask_for_refund,
    completed,
    partly_delivered,
    publish_paying_for_errors,
    started,
)
from tests.refunds.desk.ground import nothing_moves
from tests.web import asking, pages

pytestmark = pytest.mark.django_db

ASKED_BY_HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """It is November 2, noon in UTC, 7 in the morning in New York."""
    with time_machine.travel(AT, tick=False):
        yield


def quote(browser: Client, order: Order, cause: str) -> str:
    return pages.text(asking.quote(browser, order, cause))


class TestTheQuote:
    def test_says_how_much_by_which_rule_and_until_when_in_the_customers_zone(self, browser: Client, ada: User) -> None:
        ada.time_zone = "America/New_York"
        ada.save(update_fields=["time_zone"])
        order = started(ada, remains=400)

        said = quote(browser, order, "platform_delay")

        assert "4.00 USD for 400 of 1,000 units that were not delivered: a person looks at it" in said
        assert "Proposed refund 4.00 USD" in said
        assert "When after a person has looked" in said
        assert "between Tuesday, November 3, 07:00 EST and Wednesday, November 4, 07:00 EST" in said
        assert "The rule: Processing or in progress, and you report a problem: a person looks at it" in said
        assert "Money-back guarantee, version 1" in said
        assert "Send the request" in said

    def test_says_that_unknown_progress_is_the_most_it_can_be(self, browser: Client, ada: User) -> None:
        said = quote(browser, started(ada), "platform_delay")

        assert "Proposed refund up to 10.00 USD" in said
        assert "this is the most that it can be" in said

    def test_says_that_money_comes_at_once(self, browser: Client, ada: User) -> None:
        publish_paying_for_errors()

        said = quote(browser, partly_delivered(ada), "system_error")

        assert "6.00 USD is credited to your balance" in said
        assert "When at once" in said
        assert "Send it and get the refund" in said
        assert "between" not in said

    @pytest.mark.usefixtures("credit_only_policy")
    def test_says_plainly_that_nothing_is_refunded_and_points_to_support(self, browser: Client, ada: User) -> None:
        order = completed(ada)

        page = asking.quote(browser, order, "dropped")

        said = pages.text(page)
        assert "No refund. This is not refundable because the order was completed." in said
        assert "Write to support instead Send it anyway" in said
        assert f"/support/new/?order={order.pk}&kind=refund" in pages.links(page)

    def test_leads_to_canceling_a_pending_order_where_that_brings_everything_back(
        self, browser: Client, ada: User
    ) -> None:
        order = place_order(ada, make_service(rate="10"))

        for answer in (
            browser.get(f"{asking.NEW}?order={order.pk}"),
            asking.send(browser, order, {"cause": "not_started"}),
        ):
            assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.pk}/cancel/")
        assert "is still pending: cancel it instead" in pages.text(browser.get(f"/orders/{order.pk}/cancel/"))
        assert not RefundRequest.objects.exists()

    @pytest.mark.usefixtures("credit_only_policy")
    def test_offers_no_cancel_where_the_policy_allows_none(self, browser: Client, ada: User) -> None:
        order = place_order(ada, make_service(rate="10"))

        page = asking.quote(browser, order, "change_of_mind")

        assert "a change of mind after ordering is not refunded" in pages.text(page)
        assert f"/orders/{order.pk}/cancel/" not in pages.links(page)

    def test_offers_to_have_the_provider_asked_for_a_running_order(self, browser: Client, ada: User) -> None:
        order = place_order(ada, make_service(provider=make_provider(), allows_cancel=True))
        move(order, OrderStatus.IN_PROGRESS)
        Order.objects.filter(pk=order.pk).update(provider_order_id="7001")

        assert "Ask to cancel" in quote(browser, order, "platform_delay")

    def test_says_nothing_before_a_cause_is_chosen(self, browser: Client, ada: User) -> None:
        page = asking.form_page(browser, partly_delivered(ada))

        assert "Choose what is wrong" in pages.text(page)
        assert pages.hidden(page, "seen") == ""

    def test_names_the_open_request_instead(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)
        request = ask_for_refund(order)

        page = asking.quote(browser, order, "dropped")

        assert f"/refunds/{request.pk}/" in pages.links(page)

    @pytest.mark.parametrize("cause", ["nonsense", "delivered", "not_started", "\x00", "x" * 5000])
    def test_a_cause_that_does_not_fit_is_said_beside_it(self, browser: Client, ada: User, cause: str) -> None:
        page = asking.quote(browser, partly_delivered(ada), cause)

        assert page.status_code == 200
        assert pages.element(page, "cause-error").startswith("Choose ")

    def test_writes_nothing(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)

        with nothing_moves():
            quote(browser, order, "dropped")

    def test_opened_as_a_page_it_leads_to_the_form(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)

        page = browser.get(f"{asking.QUOTE}?order={order.pk}&cause=dropped")

        assert page["Location"] == f"/refunds/new/?order={order.pk}&cause=dropped"

    def test_a_session_that_ended_sends_the_whole_page_to_sign_in(self, client: Client) -> None:
        page = client.get(f"{asking.QUOTE}?order=1&cause=dropped", headers=ASKED_BY_HTMX)

        assert page["HX-Redirect"].startswith("/accounts/login/")
