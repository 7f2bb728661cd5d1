"""How panels and refund engines lose money that comes in or goes out, one test each.

They were found in public panels by reading their code and their bug reports. The numbers are those of the list.
"""

import ast
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings as panel_settings
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.db.utils import IntegrityError
from pytest_django import Settings

from billing import deposits, gateway_refunds
from billing.models import Account, Deposit, DepositState, LegState, Transfer, Withdrawal, WithdrawalLeg
from billing.sending import calls, claims, outcomes
from panel import webhooks
from panel.accounts.models import User
from panel.kernel.errors import PanelError
from panel.sandbox.payments import PaymentsSandbox
from refunds import balance_refunds
from refunds.balance_refunds import NotAllowed
from tests.billing.money import balances, clearing, credited
from tests.concurrency.racing import of, race
from tests.factories import (
    AT,
    HOUR,
    disputed,
    make_customer,
    make_service,
    only_leg,
    open_deposit,
    pay_in,
    place_order,
    receive_by_hand,
    send_due,
    withdraw,
)
from tests.factories.desk import publish_variant

pytestmark = pytest.mark.django_db

SENT = AT + HOUR
ROOMS = ("panel", "billing", "orders", "refunds")
MONEY = ("billing",)


@pytest.fixture
def ada(payments: PaymentsSandbox) -> User:
    """Has paid 50.00 by card."""
    customer = make_customer()
    pay_in(customer, payments, "50")
    return customer


def amounts_back(payments: PaymentsSandbox) -> list[int]:
    return [refund["amount"] for refund in payments.refunds() if refund["status"] == "succeeded"]


def arrive(payments: PaymentsSandbox, kind: str) -> None:
    """Let every webhook of this type arrive, and handle what was stored."""
    for delivery in payments.queued():
        if delivery.type == kind:
            payments.deliver(delivery.id)
    webhooks.handle_due()


def source_files(rooms: Sequence[str] = ROOMS) -> Iterator[tuple[Path, ast.Module]]:
    for room in rooms:
        for path in sorted((Path(panel_settings.BASE_DIR) / room).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def modules_of(tree: ast.Module) -> set[str]:
    """The names that a file imports, so that what is called on them is no method of a row."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def test_21_two_equal_refunds_are_two(payments: PaymentsSandbox, ada: User) -> None:
    withdraw(ada, "20")
    withdraw(ada, "20")

    send_due(SENT)

    assert amounts_back(payments) == [2000, 2000]
    assert balances(ada) == {"available": "10.00"}


def test_22_a_retry_after_a_timeout_has_the_same_key_and_refunds_once(
    payments: PaymentsSandbox, ada: User, settings: Settings
) -> None:
    settings.GATEWAY_TIMEOUT = timedelta(seconds=0.5)
    payments.fault("stall", path="/v1/refunds", method="POST", times=1, seconds=1.5)
    payments.fault("drop_before", path="/v1/refunds", method="GET", times=1)
    withdraw(ada, "20")
    keys = {claim.request.key for claim in claims.claim_due(limit=1, at=SENT)}
    claimed = claims.claim_due(limit=1, at=SENT + timedelta(minutes=3))
    keys |= {claim.request.key for claim in claimed}

    outcomes.record(calls.carry_out(claimed), at=SENT + timedelta(minutes=3))
    for hours in range(1, 5):
        send_due(SENT + hours * HOUR)

    assert len(keys) == 1
    assert amounts_back(payments) == [2000]
    assert balances(ada) == {"available": "30.00"}


def test_23_a_key_that_the_gateway_forgot_is_not_sent_again(payments: PaymentsSandbox, ada: User) -> None:
    payments.fault("drop_after", path="/v1/refunds", method="POST", times=1)
    withdraw(ada, "20")
    send_due(SENT)
    payments.advance(25 * 3600)

    for hours in (25, 26, 27):
        send_due(SENT + hours * HOUR)

    assert amounts_back(payments) == [2000]
    assert balances(ada) == {"available": "30.00"}


@pytest.mark.parametrize("fault", ["drop_after", "error_500_after"])
def test_24_no_failure_is_recorded_when_the_gateway_may_have_acted(
    payments: PaymentsSandbox, ada: User, fault: str
) -> None:
    payments.fault(fault, path="/v1/refunds", method="POST", times=1)
    withdrawal = withdraw(ada, "20")

    send_due(SENT)

    assert only_leg(withdrawal).state == LegState.UNKNOWN
    assert balances(ada) == {"available": "30.00", "held": "20.00"}
    send_due(SENT + HOUR)
    assert (only_leg(withdrawal).state, amounts_back(payments)) == (LegState.PAID, [2000])


def test_25_a_webhook_before_our_own_commit_is_understood(payments: PaymentsSandbox, ada: User) -> None:
    withdrawal = withdraw(ada, "20")
    answered = calls.carry_out(claims.claim_due(limit=1, at=SENT))

    arrive(payments, "refund.created")
    outcomes.record(answered, at=SENT)

    assert only_leg(withdrawal).state == LegState.PAID
    assert Withdrawal.objects.count() == 1
    assert balances(ada) == {"available": "30.00"}


def test_26_the_return_page_and_the_webhook_credit_a_deposit_once(payments: PaymentsSandbox) -> None:
    ben = make_customer("ben")
    deposit = open_deposit(ben)
    payments.pay(deposit.reference or "")

    deposits.refresh(deposit.pk, at=AT)
    arrive(payments, "checkout.session.completed")
    deposits.refresh(deposit.pk, at=AT)

    assert credited(ben) == ["50.00"]


def test_27_what_arrived_is_credited_and_not_what_was_asked(payments: PaymentsSandbox) -> None:
    ben = make_customer("ben")
    deposit = open_deposit(ben, "50")
    payments.pay(deposit.reference or "", amount_received=4000)

    deposits.refresh(deposit.pk, at=AT)

    assert credited(ben) == ["40.00"]


@pytest.mark.parametrize("learnt", ["webhook", "poll"])
def test_28_a_refund_that_fails_after_it_succeeded_is_given_back(payments: PaymentsSandbox, learnt: str) -> None:
    ben = make_customer("ben")
    pay_in(ben, payments, "50", card="closed_card")
    withdraw(ben, "20")
    send_due(SENT)
    assert balances(ben) == {"available": "30.00"}
    payments.advance(7200)

    if learnt == "webhook":
        arrive(payments, "refund.failed")
    else:
        send_due(SENT + timedelta(days=1))

    assert balances(ben) == {"available": "50.00"}
    assert clearing() == "50.00"


def test_29_promotional_money_is_not_withdrawn(payments: PaymentsSandbox) -> None:
    ben = make_customer("ben", promo="50")
    pay_in(ben, payments, "50")

    with pytest.raises(NotAllowed):
        withdraw(ben, "50.01")

    assert withdraw(ben, "50").amount == 50
    assert balances(ben) == {"held": "50.00", "promo": "50.00"}


def test_29_money_that_is_on_its_way_back_is_not_withdrawn_again(ada: User) -> None:
    withdraw(ada, "40")

    with pytest.raises(NotAllowed, match=r"at most 10\.00"):
        withdraw(ada, "10.01")

    assert balances(ada) == {"available": "10.00", "held": "40.00"}


def test_29_a_disputed_payment_takes_nothing_back(payments: PaymentsSandbox, ada: User) -> None:
    version = publish_variant('on_open = "suspend"', 'on_open = "nothing"')
    Deposit.objects.update(policy_version=version.pk)
    disputed(payments, Deposit.objects.get(), cents=100)

    withdrawal = withdraw(ada, "20")
    send_due(SENT)

    assert only_leg(withdrawal).deposit is None
    assert amounts_back(payments) == []


def test_30_no_statement_can_promise_a_payment_both_to_a_refund_and_to_a_dispute(ada: User) -> None:
    withdraw(ada, "40")

    with pytest.raises(IntegrityError, match="deposit_not_given_back_twice"), transaction.atomic():
        Deposit.objects.update(disputed=11)

    assert balances(ada) == {"available": "10.00", "held": "40.00"}


def test_31_what_a_balance_can_not_cover_is_owed_and_not_forgotten(payments: PaymentsSandbox, ada: User) -> None:
    place_order(ada, make_service(rate="40"))
    deposit = Deposit.objects.get()
    reference = payments.refund_by_hand(deposit.payment_reference or "", 3000)

    for _ in range(2):
        gateway_refunds.refresh(reference, gateway="stripe", at=SENT)
    assert balances(ada) == {"debt": "\N{MINUS SIGN}20.00"}
    payments.move_refund(reference, "failed", failure_reason="declined")
    for _ in range(2):
        gateway_refunds.refresh(reference, gateway="stripe", at=SENT)

    assert balances(ada) == {"available": "10.00"}


def test_32_a_dispute_that_opens_during_a_withdrawal_stops_its_leg_and_pays_nothing(
    payments: PaymentsSandbox, ada: User
) -> None:
    withdrawal = withdraw(ada, "20")
    payments.open_dispute(Deposit.objects.get().payment_reference or "")

    send_due(SENT)

    assert (only_leg(withdrawal).state, amounts_back(payments)) == (LegState.FAILED, [])
    assert balances(ada) == {"available": "50.00"}


@pytest.mark.django_db(transaction=True)
def test_34_no_transaction_is_open_while_the_payment_page_is_opened(
    payments: PaymentsSandbox, settings: Settings
) -> None:
    settings.GATEWAY_TIMEOUT = timedelta(seconds=10)
    ben = make_customer("ben")
    payments.fault("stall", path="/v1/checkout/sessions", method="POST", times=1, seconds=1.5)
    opening = threading.Thread(target=_in_a_thread, args=(partial(open_deposit, ben),))
    opening.start()

    while not Deposit.objects.exists():
        opening.join(0.01)
    opening.join(0.5)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(DISTINCT state) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        (busy,) = cursor.fetchone()
    assert Deposit.objects.get().state == DepositState.OPENING
    opening.join()

    assert busy is None
    assert Deposit.objects.get().state == DepositState.OPEN


def test_34_the_intent_outlives_a_call_that_breaks(payments: PaymentsSandbox, ada: User) -> None:
    ben = make_customer("ben")
    payments.fault("error_500_before", method="POST", times=2)
    with pytest.raises(deposits.NotNow):
        open_deposit(ben)
    withdrawal = withdraw(ada, "20")

    send_due(SENT)

    assert Deposit.objects.get(customer=ben).state == DepositState.OPENING
    assert only_leg(withdrawal).attempted_at == SENT


def test_35_nobody_who_has_money_rows_can_be_deleted(ada: User) -> None:
    withdraw(ada, "20")

    for row in (ada, Deposit.objects.get()):
        with pytest.raises(ProtectedError), transaction.atomic():
            row.delete()

    kept = (Deposit, Withdrawal, WithdrawalLeg, Account, Transfer)
    assert all(model.objects.exists() for model in kept)


def test_36_every_save_of_a_row_about_money_names_its_columns() -> None:
    whole = [
        f"{path.name}:{call.lineno}"
        for path, tree in source_files(MONEY)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "save"
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id not in modules_of(tree)  # withdrawal_moves.save() writes no row whole
        and not any(keyword.arg == "update_fields" for keyword in call.keywords)
    ]

    assert whole == []


@pytest.mark.django_db(transaction=True)
def test_37_withdrawals_at_once_reserve_a_payment_once(payments: PaymentsSandbox) -> None:
    ben = make_customer("ben")
    pay_in(ben, payments, "50")
    quote = balance_refunds.quote(customer=ben, amount=Decimal(30), at=AT)

    def ask(number: int) -> Withdrawal:
        key = f"{number:08d}-0000-0000-0000-000000000000"
        return balance_refunds.request(
            customer=ben, amount=Decimal(30), key=UUID(key), confirmed=quote.plan.digest, at=AT
        )

    results = race([partial(ask, number) for number in range(8)])

    assert len(of(Withdrawal, results)) == 1
    assert len([result for result in results if isinstance(result, PanelError)]) == 7
    assert Deposit.objects.get().reserved == 30


def test_38_no_delay_of_business_is_left_to_the_queue() -> None:
    delayed = [
        f"{path.name}:{call.lineno}"
        for path, tree in source_files()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and any(keyword.arg in {"countdown", "eta"} for keyword in call.keywords)
    ]

    assert delayed == []


def test_38_what_is_due_is_found_in_the_database_without_any_task(payments: PaymentsSandbox) -> None:
    ben = make_customer("ben")
    receive_by_hand(ben, "50")
    withdrawal = withdraw(ben, "20")

    assert withdrawal.due_at == withdrawal.send_at == SENT
    assert [send_due(SENT - timedelta(seconds=1)), send_due(SENT)] == [0, 1]
    assert payments.refunds() == []


def _in_a_thread(function: "partial[Deposit]") -> None:
    try:
        function()
    finally:
        connection.close()
