"""Abuse is counted by the policy's figures when a request is opened; the policy says what the flag leads to."""

from datetime import datetime, timedelta

import pytest

from orders import placing
from orders.lines import Line
from orders.models import Cause, Order, OrderStatus
from panel.accounts import standing
from panel.accounts.models import Standing, StandingChange, User
from panel.kernel import texts
from panel.kernel.errors import Forbidden
from refunds.desk import access, opening
from refunds.models import RefundRequest, RequestState
from tests.factories import AT, make_customer, make_service, make_staff, move
from tests.factories.desk import ask_for_refund, make_agent, order_in_review, withdraw
from tests.refunds.desk.ground import letters, money, nothing_moves

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
WINDOW = 90 * DAY
MANY = 40  # orders that dilute the rate


@pytest.fixture
def ada() -> User:
    return make_customer(funds="10000")


def place(customer: User, count: int = 1, *, at: datetime = AT, same_link: bool = False) -> list[Order]:
    """Place orders of 10.00, each for a link of its own unless it is to be the same."""
    service = make_service(rate="10")
    links = ["https://example.com/launch" if same_link else f"https://example.com/{n}" for n in range(count)]
    placed = placing.place(customer=customer, lines=[Line(service.pk, link, 1000) for link in links], at=at)
    return list(Order.objects.filter(pk__in=placed.order_ids).order_by("pk"))


def begun(orders: list[Order]) -> list[Order]:
    """Let them be sent out: what is pending, its customer cancels by himself and is not asked about."""
    for order in orders:
        move(order, OrderStatus.PROCESSING)
    return orders


def end(order: Order, *, at: datetime) -> Order:
    move(order, OrderStatus.COMPLETED, remains=0, at=at)
    return order


def many_partial(customer: User, count: int, *, same_link: bool = False) -> list[Order]:
    """Orders that ended as partial, among so many others that the rate is low."""
    place(customer, MANY)
    found = place(customer, count, same_link=same_link)
    for order in found:
        move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)
    return found


def standing_of(customer: User) -> str:
    customer.refresh_from_db()
    return customer.standing


def reasons(customer: User) -> list[str]:
    return list(StandingChange.objects.get(user=customer).reasons)


class TestTheMoneyBackGuarantee:
    def test_flags_who_asks_four_times_in_ten_orders_from_the_fifth_request_on(self, ada: User) -> None:
        orders = begun(place(ada, 12))
        for order in orders[:4]:
            ask_for_refund(order, Cause.NOT_STARTED)
        assert standing_of(ada) == Standing.CLEAR

        ask_for_refund(orders[4], Cause.NOT_STARTED)

        assert standing_of(ada) == Standing.ABUSE_FLAGGED
        assert reasons(ada) == ["5 refund requests for 12 orders in 90 days: 41 %, the policy's limit is 40 %"]

    def test_flags_nobody_below_the_rate(self, ada: User) -> None:
        for order in begun(place(ada, 13)[:5]):
            ask_for_refund(order, Cause.NOT_STARTED)

        assert standing_of(ada) == Standing.CLEAR
        assert not StandingChange.objects.exists()

    def test_flags_the_third_request_for_one_link(self, ada: User) -> None:
        orders = many_partial(ada, 3, same_link=True)
        for order in orders[:2]:
            ask_for_refund(order)
        assert standing_of(ada) == Standing.CLEAR

        ask_for_refund(orders[2])

        assert reasons(ada) == ["3 refund requests for the same link in 90 days; the policy's limit is 3"]

    def test_flags_the_fourth_request_within_a_day_of_the_completion(self, ada: User) -> None:
        place(ada, MANY)
        orders = [end(order, at=AT) for order in place(ada, 4)]
        for order in orders[:3]:
            ask_for_refund(order, at=AT + DAY)
        assert standing_of(ada) == Standing.CLEAR

        ask_for_refund(orders[3], at=AT + DAY)

        said = "4 refund requests in 90 days came within 24 hours of the order's completion; the policy's limit is 4"
        assert reasons(ada) == [said]

    def test_counts_no_claim_that_comes_later_than_that(self, ada: User) -> None:
        place(ada, MANY)
        for order in place(ada, 5):
            ask_for_refund(end(order, at=AT), at=AT + DAY + timedelta(seconds=1))

        assert standing_of(ada) == Standing.CLEAR

    @pytest.mark.parametrize(
        ("asked_before", "standing"),
        [(timedelta(0), Standing.ABUSE_FLAGGED), (timedelta(seconds=1), Standing.CLEAR)],
        ids=["at the completion", "before it"],
    )
    def test_counts_no_claim_that_came_before_the_completion(
        self, asked_before: timedelta, standing: Standing, ada: User
    ) -> None:
        place(ada, MANY)
        *running, last = place(ada, 4)
        for order in running:
            move(order, OrderStatus.IN_PROGRESS)
            ask_for_refund(order, at=AT + DAY - asked_before)
            end(order, at=AT + DAY)

        ask_for_refund(end(last, at=AT + DAY), at=AT + DAY)

        assert standing_of(ada) == standing

    def test_leads_to_a_person_who_looks(self, ada: User) -> None:
        *before, last = many_partial(ada, 3, same_link=True)
        for order in before:
            ask_for_refund(order)

        request = ask_for_refund(last)

        assert (request.state, request.clause) == (RequestState.OPEN, "standing-in-doubt")
        assert request.facts["standing"] == "abuse_flagged"
        assert letters(ada)[-1] == "request_received"


@pytest.mark.usefixtures("credit_only_policy")
class TestPanelCreditOnly:
    def test_flags_who_asks_for_half_of_his_orders_from_the_fifth_request_on(self, ada: User) -> None:
        orders = place(ada, 10)
        for order in orders[:4]:
            ask_for_refund(order, Cause.NOT_STARTED)
        assert standing_of(ada) == Standing.CLEAR

        ask_for_refund(orders[4], Cause.NOT_STARTED)

        assert reasons(ada) == ["5 refund requests for 10 orders in 90 days: 50 %, the policy's limit is 50 %"]

    def test_flags_nobody_below_the_rate(self, ada: User) -> None:
        for order in place(ada, 11)[:5]:
            ask_for_refund(order, Cause.NOT_STARTED)

        assert standing_of(ada) == Standing.CLEAR

    def test_flags_the_fourth_request_for_one_link(self, ada: User) -> None:
        orders = many_partial(ada, 4, same_link=True)
        for order in orders[:3]:
            ask_for_refund(order)
        assert standing_of(ada) == Standing.CLEAR

        ask_for_refund(orders[3])

        assert reasons(ada) == ["4 refund requests for the same link in 90 days; the policy's limit is 4"]

    def test_flags_the_fifth_request_within_a_day_of_the_completion(self, ada: User) -> None:
        place(ada, MANY)
        orders = [end(order, at=AT) for order in place(ada, 5)]
        for order in orders[:4]:
            ask_for_refund(order)
        assert standing_of(ada) == Standing.CLEAR

        ask_for_refund(orders[4])

        assert standing_of(ada) == Standing.ABUSE_FLAGGED

    def test_refuses_at_once_the_request_that_reaches_the_limit(self, ada: User) -> None:
        *before, last = many_partial(ada, 4, same_link=True)
        for order in before:
            assert ask_for_refund(order).state == RequestState.OPEN

        request = ask_for_refund(last)

        assert (request.state, request.clause) == (RequestState.DECLINED, "abuse-or-fraud")
        assert standing_of(ada) == Standing.ABUSE_FLAGGED
        assert money(last)[0] == 4  # what the end itself paid before
        assert letters(ada)[-1] == "request_declined"


class TestWhatIsCounted:
    def test_is_what_was_asked_and_ordered_within_the_window(self, ada: User) -> None:
        old = begun(place(ada, 4, at=AT - WINDOW))
        for order in old:
            ask_for_refund(order, Cause.NOT_STARTED, at=AT - WINDOW)

        ask_for_refund(begun(place(ada))[0], Cause.NOT_STARTED)

        assert standing_of(ada) == Standing.CLEAR

    def test_is_each_request_whatever_became_of_it(self, ada: User) -> None:
        orders = place(ada, 5)
        for order in orders[:4]:
            move(order, OrderStatus.IN_PROGRESS)
            withdraw(ask_for_refund(order))

        ask_for_refund(begun(orders[4:])[0], Cause.NOT_STARTED)

        assert standing_of(ada) == Standing.ABUSE_FLAGGED

    def test_is_what_staff_open_for_a_customer_too(self, ada: User) -> None:
        maya, orders = make_agent("maya", access.MAY_OPEN), place(ada, 5)

        for order in orders:
            opening.open_by_staff(
                staff=maya, order_id=order.pk, cause=Cause.NOT_STARTED, description="She wrote.", at=AT
            )

        assert standing_of(ada) == Standing.ABUSE_FLAGGED

    def test_is_no_review_that_the_policy_asks_for_by_itself(self, ada: User) -> None:
        for _ in range(6):
            order_in_review(ada)

        ask_for_refund(begun(place(ada))[0], Cause.NOT_STARTED)

        assert RefundRequest.objects.filter(customer=ada).count() == 7
        assert standing_of(ada) == Standing.CLEAR

    def test_is_nobody_elses(self, ada: User) -> None:
        ben = make_customer("ben", funds="100")
        for order in begun(place(ben, 4)):
            ask_for_refund(order, Cause.NOT_STARTED)

        ask_for_refund(begun(place(ada))[0], Cause.NOT_STARTED)

        assert standing_of(ada) == Standing.CLEAR

    def test_is_said_by_the_quote_before_anything_is_flagged(self, ada: User) -> None:
        *before, last = many_partial(ada, 3, same_link=True)
        for order in before:
            ask_for_refund(order)

        with nothing_moves():
            quote = opening.quote(customer=ada, order_id=last.pk, cause=Cause.CANNOT_COMPLETE, at=AT)

        assert quote.proposal.verdict.clause_id == "standing-in-doubt"
        assert standing_of(ada) == Standing.CLEAR


class TestTheFlag:
    def flagged(self, ada: User) -> list[Order]:
        orders = many_partial(ada, 6, same_link=True)
        for order in orders[:3]:
            ask_for_refund(order)
        assert standing_of(ada) == Standing.ABUSE_FLAGGED
        return orders[3:]

    def test_is_raised_once(self, ada: User) -> None:
        for order in self.flagged(ada):
            ask_for_refund(order)

        assert StandingChange.objects.filter(user=ada).count() == 1

    def test_is_not_raised_by_a_request_that_is_refused(self, ada: User) -> None:
        *before, last = many_partial(ada, 3, same_link=True)
        for order in before:
            ask_for_refund(order)

        with nothing_moves(), pytest.raises(texts.BadText):
            ask_for_refund(last, description=" ")

        assert standing_of(ada) == Standing.CLEAR

    def test_is_lifted_by_a_person_and_then_counting_begins_anew(self, ada: User) -> None:
        first, second, third = self.flagged(ada)
        lifted = AT + timedelta(minutes=1)
        standing.change(user=ada, to=Standing.CLEAR, reason="A misunderstanding", staff=make_staff(), at=lifted)

        for order in (first, second):
            ask_for_refund(order, at=lifted + DAY)
        assert standing_of(ada) == Standing.CLEAR
        ask_for_refund(third, at=lifted + DAY)

        assert standing_of(ada) == Standing.ABUSE_FLAGGED
        assert StandingChange.objects.filter(user=ada).count() == 3

    def test_leaves_a_persons_suspicion_of_fraud_as_it_is(self, ada: User) -> None:
        orders = many_partial(ada, 4, same_link=True)
        standing.change(user=ada, to=Standing.FRAUD_SUSPECTED, reason="Stolen card", staff=make_staff(), at=AT)

        for order in orders:
            assert ask_for_refund(order).facts["standing"] == "fraud_suspected"

        assert standing_of(ada) == Standing.FRAUD_SUSPECTED
        assert StandingChange.objects.filter(user=ada).count() == 1

    @pytest.mark.parametrize("who", ["an agent", "the customer"])
    def test_is_lifted_by_nobody_without_the_right(self, who: str, ada: User) -> None:
        self.flagged(ada)
        person = make_agent("hiro") if who == "an agent" else ada

        with nothing_moves(), pytest.raises(Forbidden):
            standing.change(user=ada, to=Standing.CLEAR, reason="Please", staff=person, at=AT)
