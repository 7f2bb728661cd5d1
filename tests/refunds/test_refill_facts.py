"""A policy may have a refill come before a refund: what the facts say about refills, at each place that judges."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orders import lifecycle
from orders.lifecycle import Move
from orders.models import Cause, Initiator, Order, OrderStatus, RefillState
from panel.accounts.models import Standing
from refunds import quotes
from refunds.desk import opening, proposals
from refunds.models import Decision, RequestState
from refunds.policy.facts import Facts, Refill
from refunds.policy.space import can_be
from tests.factories import AT, HOUR, make_customer, make_service, move, place_order
from tests.factories.desk import ask_for_refund, balance_of, publish_refill_first, publish_variant, started
from tests.factories.refills import end, refill_of, refillable
from tests.refunds.desk.ground import nothing_moves

pytestmark = pytest.mark.django_db

LATER = AT + HOUR


def decided(order: Order) -> Facts:
    """Return the facts of the order's latest decision."""
    return Facts.from_dict(Decision.objects.filter(order=order).latest("pk").facts)


def correct(order: Order, remains: int) -> None:
    move(order, OrderStatus.PARTIAL, remains=remains, cause=Cause.CORRECTION, at=LATER)


def claim(order: Order) -> proposals.Proposal:
    order.refresh_from_db()
    return proposals.judge(order, cause=Cause.DROPPED, standing=Standing.CLEAR, at=LATER)


def test_an_order_that_ends_can_be_refilled_where_its_service_offers_it() -> None:
    canceled = place_order(make_customer(funds="10"), make_service(allows_refill=True))
    move(canceled, OrderStatus.CANCELED, remains=1000, cause=Cause.PROVIDER_CANCELED)
    without = started()
    move(without, OrderStatus.COMPLETED, remains=0)

    found = [decided(order).refill for order in (refillable(), refillable(remains=400), canceled, without)]

    assert found == [Refill.AVAILABLE, Refill.AVAILABLE, Refill.NOT_OFFERED, Refill.NOT_OFFERED]


@pytest.mark.parametrize(
    ("ended", "refill"),
    [
        (None, Refill.RUNNING),
        (RefillState.COMPLETED, Refill.AVAILABLE),
        (RefillState.REJECTED, Refill.REFUSED),
        (RefillState.ERROR, Refill.REFUSED),
    ],
)
def test_a_correction_and_a_claim_know_of_the_refill(ended: RefillState | None, refill: Refill) -> None:
    order = refillable()
    wish = refill_of(order)
    if ended:
        end(wish, ended)

    correct(order, 100)

    assert decided(order).refill == refill
    assert claim(order).facts.refill == refill


@pytest.mark.parametrize("ended", [None, RefillState.REJECTED])
@pytest.mark.parametrize("to", [OrderStatus.CANCELED, OrderStatus.PARTIAL])
def test_of_what_was_not_delivered_after_all_there_is_nothing_to_refill(
    ended: RefillState | None, to: OrderStatus
) -> None:
    order = refillable()
    wish = refill_of(order)
    if ended:
        end(wish, ended)

    move(order, to, remains=1000, cause=Cause.CORRECTION, at=LATER)

    assert decided(order).refill == claim(order).facts.refill == Refill.NOT_OFFERED
    assert can_be(decided(order))


def test_a_policy_about_running_refills_keeps_nothing_of_an_order_that_turns_out_canceled() -> None:
    next_clause = '[[clauses]]\nid = "standing-in-doubt"'
    rule = """[[clauses]]
id = "refill-runs"
group = "Refills"
when = { status = ["completed", "canceled"], refill = ["running"] }
then = { refund = "none", approval = "automatic" }
text = "While a refill runs, nothing is refunded."
because = "a refill runs"
passage = "our own"

"""
    publish_variant(next_clause, rule + next_clause)  # which proves that it keeps nothing that was not delivered
    order = refillable()
    refill_of(order)

    move(order, OrderStatus.CANCELED, remains=1000, cause=Cause.PROVIDER_CANCELED, at=LATER)

    order.refresh_from_db()
    assert order.refunded == order.charge == Decimal(10)


def test_what_staff_are_shown_beforehand_is_what_the_settlement_then_finds() -> None:
    publish_refill_first()
    order = refillable()
    refill_of(order)
    dropped = Move(order.pk, OrderStatus.PARTIAL, cause=Cause.DROPPED, remains=300)

    shown = quotes.foresee(order, dropped, LATER, standing=Standing.CLEAR)
    with transaction.atomic():
        lifecycle.require_moved(lifecycle.transition([dropped], initiator=Initiator.STAFF, at=LATER))

    decision = Decision.objects.filter(order=order).latest("pk")
    assert (shown.clause, shown.owed) == (decision.clause, decision.owed) == ("refill-first", Decimal(0))


def statements(action: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        action()
    return len(queries)


@pytest.mark.parametrize(("allows", "more"), [(False, 0), (True, 1)])
def test_a_batch_of_corrections_takes_one_statement_more_where_refills_are_offered(*, allows: bool, more: int) -> None:
    ada, service = make_customer(funds="1000"), make_service(allows_refill=allows)

    def counted(number: int, *, corrections: bool) -> int:
        orders = [place_order(ada, service) for _ in range(number)]
        moves = [Move(order.pk, OrderStatus.PARTIAL, remains=400) for order in orders]
        second = [Move(order.pk, OrderStatus.PARTIAL, remains=500) for order in orders]
        with transaction.atomic():
            found = statements(lambda: lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=AT))
            if corrections:
                found = statements(lambda: lifecycle.transition(second, initiator=Initiator.PROVIDER, at=AT))
        return found

    counted(1, corrections=False)  # what is kept in memory after the first time
    ends = [counted(number, corrections=False) for number in (2, 50)]
    corrections = [counted(number, corrections=True) for number in (2, 50)]

    assert ends[0] == ends[1]
    supersedes = 1
    assert corrections == [ends[0] + supersedes + more] * 2


def test_open_requests_about_orders_that_end_look_up_no_refill_of_each() -> None:
    counts = []
    for number in (1, 5):
        ada, service = make_customer(funds="1000"), make_service(rate="10", allows_refill=True)
        orders = [place_order(ada, service) for _ in range(number)]
        for order in orders:
            move(order, OrderStatus.IN_PROGRESS)
            ask_for_refund(order, Cause.PLATFORM_DELAY)
        moves = [Move(order.pk, OrderStatus.PARTIAL, remains=400) for order in orders]
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            lifecycle.transition(moves, initiator=Initiator.PROVIDER, at=LATER)
        counts.append(len([query for query in queries if "orders_refill" in query["sql"]]))

    assert counts == [0, 0]


class TestRefillBeforeRefund:
    @pytest.fixture(autouse=True)
    def policy(self) -> None:
        publish_refill_first()

    def test_a_claim_about_a_drop_is_answered_that_a_refill_comes_first(self) -> None:
        order = refillable()

        request = ask_for_refund(order, Cause.DROPPED)

        assert (request.state, request.clause) == (RequestState.DECLINED, "refill-first")
        assert request.sentence == "This is not refundable because a refill comes first."
        order.refresh_from_db()
        assert order.refunded == 0

    def test_while_the_refill_runs_the_answer_is_the_same(self) -> None:
        order = refillable()
        refill_of(order)

        quote = opening.quote(customer=order.customer, order_id=order.pk, cause=Cause.DROPPED, at=AT)

        assert quote.proposal.verdict.clause_id == "refill-first"

    @pytest.mark.parametrize("failed", [RefillState.REJECTED, RefillState.ERROR])
    def test_after_a_refused_refill_a_person_decides(self, failed: RefillState) -> None:
        order = refillable(remains=400)
        ask_for_refund(order, Cause.DROPPED)
        end(refill_of(order), failed)

        request = ask_for_refund(order, Cause.DROPPED, at=LATER)

        assert (request.state, request.clause) == (RequestState.OPEN, "special-cause")

    def test_after_a_refill_that_went_well_another_one_comes_first_again(self) -> None:
        order = refillable()
        end(refill_of(order))

        assert claim(order).verdict.clause_id == "refill-first"

    def test_where_no_refill_is_offered_a_person_decides_at_once(self) -> None:
        order = started()
        move(order, OrderStatus.COMPLETED, remains=0)

        assert ask_for_refund(order, Cause.DROPPED).clause == "special-cause"

    def test_other_causes_are_judged_as_before(self) -> None:
        order = refillable(remains=400)

        assert (ask_for_refund(order, Cause.CANNOT_COMPLETE).clause, order.refunded) == ("asked-afterwards", Decimal(4))

    def test_what_was_not_delivered_is_refunded_whatever_is_refilled(self) -> None:
        order = refillable(remains=400)

        assert balance_of(order.customer) == Decimal(994)
        with nothing_moves():
            refill_of(order)
        assert balance_of(order.customer) == Decimal(994)
