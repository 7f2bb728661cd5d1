"""How panels and refund engines refund an order wrongly, one test each.

They were found in public panels by reading their code and their bug reports. The numbers are those of the list.
"""

import ast
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from billing.models import Account, House, Transfer
from orders import canceling, handling
from orders.fulfilment import sync
from orders.fulfilment.client import Report
from orders.fulfilment.sync import Answer
from orders.models import AttentionItem, AttentionKind, Cause, Order, OrderStatus
from refunds.desk import access, plans
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_package, make_provider, make_service, make_staff, move, place_order
from tests.factories.desk import approve, ask_for_refund, decline, request_about
from tests.factories.reports import LATER, refunds_of, running, tell

pytestmark = pytest.mark.django_db


def available(order: Order) -> Decimal | None:
    return Account.objects.get(customer=order.customer, kind="available").balance


@pytest.mark.django_db(transaction=True)
def test_01_two_workers_refunding_one_order_at_once_refund_it_once() -> None:
    order = running(provider=make_provider())
    answer = Answer(order.pk, Report(raw_status="Partial", start_count="5", remains="400", charge="1"))

    race([partial(sync.record, [answer], LATER)] * 4)

    assert refunds_of(order) == [Decimal(4)]


def test_02_partial_and_then_canceled_refund_no_more_than_the_charge() -> None:
    order = running(provider=make_provider())

    tell(order, "Partial", "700")
    tell(order, "Canceled", "1000")

    assert refunds_of(order) == [Decimal(7), Decimal(3)]


@pytest.mark.parametrize(
    ("reports", "refunds"),
    [(["400", "700"], [4, 3]), (["700", "400"], [7]), (["400", "400", "400"], [4]), (["300", "0", "500"], [3, 2])],
)
def test_03_partial_reported_again_credits_the_difference_only(reports: list[str], refunds: list[int]) -> None:
    order = running(provider=make_provider())

    for remains in reports:
        tell(order, "Partial", remains)

    assert refunds_of(order) == refunds


def test_04_a_completed_order_is_refunded_by_no_second_path() -> None:
    order, grace = running(provider=make_provider(), allows_cancel=True), make_staff()
    tell(order, "Completed", "0")

    with pytest.raises(canceling.CancelRefused):
        canceling.cancel(customer=order.customer, order_id=order.pk, at=LATER)
    declined = decline(ask_for_refund(order, at=LATER), grace, at=LATER)
    with pytest.raises(access.NotOpen):
        approve(declined, grace, at=LATER)
    with pytest.raises(plans.NothingToPay):
        approve(ask_for_refund(order, Cause.DROPPED, at=LATER), grace, at=LATER)
    tell(order, "In progress", "1000")
    tell(order, "Pending", "1000")

    assert refunds_of(order) == []
    assert order.status == OrderStatus.COMPLETED


def test_04_only_the_settlement_and_the_refund_desk_book_money_of_orders() -> None:
    root = Path(__file__).resolve().parents[2]
    callers = set()
    for room in ("panel", "billing", "orders", "refunds"):
        for path in (root / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr == "post"
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "ledger"
                ):
                    callers.add(str(path.relative_to(root)))

    assert callers == {
        "billing/adjustments.py",
        "billing/debts.py",  # of what was credited
        "billing/deposits.py",  # these six of money in and out, never of an order
        "billing/disputes.py",
        "billing/gateway_refunds.py",
        "billing/warned_refunds.py",
        "billing/withdrawal_moves.py",
        "billing/withdrawals.py",
        "orders/placing.py",
        "refunds/desk/paying.py",
        "refunds/settlement.py",
    }


@pytest.mark.parametrize("remains", ["1001", "-1", None, "", "many", "1e2", "10.5", "٤", 10.5, True, [400], "NaN"])
@pytest.mark.parametrize("status", ["Partial", "Canceled", "Completed"])
def test_05_remains_that_make_no_sense_refund_nothing_and_go_to_a_person(status: str, remains: object) -> None:
    order = running(provider=make_provider())

    tell(order, status, remains)

    assert order.status == OrderStatus.IN_PROGRESS
    assert refunds_of(order) == []
    assert AttentionItem.objects.filter(order=order, resolved_at=None).count() == 1


def test_06_partial_with_nothing_remaining_refunds_nothing() -> None:
    order = running(provider=make_provider())

    tell(order, "Partial", "0")

    assert refunds_of(order) == []
    assert order.recognized == Decimal(10)


@pytest.mark.parametrize("status", ["", "Awaiting", "In queue", "Error", "null", "Fail", "Refunded", "Canceled!"])
def test_07_an_unknown_status_is_neither_pending_nor_anything_else(status: str) -> None:
    order = running(provider=make_provider())

    tell(order, status, "400")

    assert order.status == OrderStatus.IN_PROGRESS
    assert refunds_of(order) == []
    assert AttentionItem.objects.get(order=order).kind == AttentionKind.UNKNOWN_STATUS


def test_08_a_crash_between_order_and_balance_leaves_neither_of_them_written(settings: Any) -> None:
    order = running(provider=make_provider())
    settings.ORDER_SETTLEMENT = "tests.pitfalls.crash.after_booking"

    tell(order, "Partial", "400")

    assert (order.status, refunds_of(order), available(order)) == ("in_progress", [], Decimal(90))


def test_09_an_order_whose_refund_failed_is_polled_again_and_then_refunded(settings: Any) -> None:
    order, working = running(provider=make_provider()), settings.ORDER_SETTLEMENT
    settings.ORDER_SETTLEMENT = "tests.pitfalls.crash.after_booking"
    (polled,) = sync.claim_due(provider_id=order.provider_id or 0, limit=10, at=LATER)
    tell(order, "Partial", "400")
    assert order.sync_due_at is not None

    settings.ORDER_SETTLEMENT = working
    (again,) = sync.claim_due(provider_id=order.provider_id or 0, limit=10, at=order.sync_due_at)
    tell(order, "Partial", "400", at=order.sync_due_at)

    assert again == polled
    assert refunds_of(order) == [Decimal(4)]
    assert order.sync_due_at == LATER + timedelta(minutes=1) + timedelta(days=1)


def test_10_a_package_is_priced_and_refunded_whole_never_by_the_thousand() -> None:
    package = make_package(rate="49", units=10, provider=make_provider())
    order = place_order(make_customer(funds="100"), package, quantity=5000)
    assert (order.charge, order.quantity) == (Decimal(49), 10)
    move(order, OrderStatus.IN_PROGRESS)

    tell(order, "Partial", "5")

    assert refunds_of(order) == [Decimal("24.5")]


@pytest.mark.parametrize("rate", ["0.000999", "3.333333", "0.1", "7.777777"])
@pytest.mark.parametrize("quantity", [10, 33, 999, 1001])
def test_11_parts_never_add_up_to_more_than_the_whole(rate: str, quantity: int) -> None:
    order = place_order(
        make_customer(funds="100"), make_service(rate=rate, provider=make_provider()), quantity=quantity
    )
    move(order, OrderStatus.IN_PROGRESS)

    for remains in (1, quantity // 3, quantity // 2, quantity - 1):
        tell(order, "Partial", str(remains))
        assert order.refunded * quantity <= order.charge * remains
        assert order.refunded + order.recognized == order.charge
    tell(order, "Canceled", str(quantity))

    assert sum(refunds_of(order)) == order.charge
    assert available(order) == Decimal(100)


def test_12_a_refund_is_of_the_price_that_was_paid() -> None:
    order = running(provider=make_provider())
    service = order.service
    service.rate, service.type = Decimal(1000), "Package"
    service.min_quantity = service.max_quantity = 1
    service.save(update_fields=["rate", "type", "min_quantity", "max_quantity"])

    tell(order, "Partial", "400")

    assert refunds_of(order) == [Decimal(4)]


def test_14_a_refund_is_booked_as_one_and_names_its_order() -> None:
    order = running(provider=make_provider())

    tell(order, "Canceled", "1000")

    refund = Transfer.objects.filter(customer=order.customer).latest("pk")
    assert (refund.kind, refund.order_ref, refund.debit_account_id) == (
        "order_refund",
        order.pk,
        House.ORDERS_IN_PROGRESS,
    )


@pytest.mark.django_db(transaction=True)
def test_15_a_refund_approved_by_two_people_is_paid_once_and_within_the_charge() -> None:
    order, grace = running(), make_staff()
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=grace, at=AT, remains=400)
    request = request_about(order)

    results = race([partial(approve, request, one, at=LATER) for one in (make_staff("hiro"), make_staff("ida"))])

    assert len(of(access.NotOpen, results)) == 1
    assert refunds_of(order) == [Decimal(4)]


def test_16_what_the_provider_charges_never_touches_what_the_customer_paid() -> None:
    order = running(provider=make_provider())

    for status, charge in (("In progress", "0.01"), ("Partial", "99999"), ("Partial", None), ("Partial", "free")):
        report = Report(raw_status=status, start_count="5", remains="400", charge=charge)
        sync.record([Answer(order.pk, report)], LATER)

    assert refunds_of(order) == [Decimal(4)]
    assert order.charge == Decimal(10)
