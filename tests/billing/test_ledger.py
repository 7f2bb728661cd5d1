"""The ledger writes each transfer once, in one statement, or not at all."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing import ledger
from billing.ledger import NewTransfer
from billing.models import Account, CustomerAccount, House, Transfer, TransferKind
from panel.accounts.models import User
from tests.factories import AT, make_customer, make_staff

pytestmark = pytest.mark.django_db


def balances(customer: User) -> ledger.Balances:
    return ledger.lock_customers([customer.pk])[customer.pk]


def gift(customer: User, staff: User, amount: str = "5", key: str = "gift") -> NewTransfer:
    return NewTransfer(
        key=key,
        kind=TransferKind.ADJUSTMENT,
        debit=House.ADJUSTMENTS.value,
        credit=balances(customer).available_id,
        amount=Decimal(amount),
        customer_id=customer.pk,
        reason="gift",
        author_id=staff.pk,
    )


def take(customer: User, staff: User, amount: str, key: str = "take") -> NewTransfer:
    given = gift(customer, staff, amount, key)
    return replace(given, debit=given.credit, credit=given.debit)


def test_moves_the_amount_from_one_account_to_the_other() -> None:
    ada, grace = make_customer(funds="20"), make_staff()

    new = ledger.post([gift(ada, grace, "5.250001"), take(ada, grace, "3")], at=AT)

    assert new == 2
    assert balances(ada).available == Decimal("22.250001")


def test_a_transfer_posted_again_moves_nothing() -> None:
    ada, grace = make_customer(), make_staff()
    ledger.post([gift(ada, grace)], at=AT)

    again = ledger.post([gift(ada, grace), gift(ada, grace, "1", key="new")], at=AT)

    assert again == 1
    assert balances(ada).available == Decimal("6.000000")
    assert Transfer.objects.filter(customer=ada).count() == 2


@pytest.mark.parametrize(
    "change",
    [{"amount": Decimal("5.000001")}, {"reason": "x", "debit": 5}, {"order_ref": None, "credit": 4}],
    ids=lambda change: next(iter(change)),
)
def test_refuses_a_key_with_another_content(change: dict[str, object]) -> None:
    ada, grace = make_customer(), make_staff()
    first = gift(ada, grace)
    ledger.post([first], at=AT)

    with pytest.raises(ledger.KeyReused), transaction.atomic():
        ledger.post([replace(first, **change), gift(ada, grace, "9", key="beside it")], at=AT)  # type: ignore[arg-type]

    assert balances(ada).available == Decimal("5.000000")
    assert Transfer.objects.filter(customer=ada).count() == 1


@pytest.mark.parametrize("amount", ["0", "-1", "1.0000001", "NaN", "Infinity", "100000000000000"])
def test_refuses_amounts_that_no_transfer_can_have(amount: str) -> None:
    ada, grace = make_customer(), make_staff()

    with pytest.raises(ledger.BadTransfer), transaction.atomic():
        ledger.post([gift(ada, grace, "1", key="fine"), replace(gift(ada, grace), amount=Decimal(amount))], at=AT)

    assert balances(ada).available == 0
    assert not Transfer.objects.filter(customer=ada).exists()


def test_refuses_more_than_an_account_holds_and_then_moves_nothing_of_the_batch() -> None:
    ada, ben, grace = make_customer(funds="5"), make_customer("ben", funds="5"), make_staff()

    with pytest.raises(ledger.InsufficientFunds), transaction.atomic():
        ledger.post([take(ben, grace, "1", key="ben"), take(ada, grace, "5.000001", key="ada")], at=AT)

    assert (balances(ada).available, balances(ben).available) == (Decimal(5), Decimal(5))


def test_lets_a_batch_spend_what_the_same_batch_brings() -> None:
    ada, grace = make_customer(), make_staff()

    ledger.post([take(ada, grace, "4", key="first"), gift(ada, grace, "4", key="second")], at=AT)

    assert balances(ada).available == Decimal("0.000000")


def test_posts_nothing_without_a_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert ledger.post([], at=AT) == 0

    assert len(queries) == 0


@pytest.mark.parametrize("number", [1, 100])
def test_posts_any_number_in_one_statement(number: int) -> None:
    ada, grace = make_customer(), make_staff()
    transfers = [gift(ada, grace, "1", key=f"gift {i}") for i in range(number)]

    with CaptureQueriesContext(connection) as queries:
        ledger.post(transfers, at=AT)

    assert len(queries) == 1
    assert balances(ada).available == number


def test_opens_accounts_on_first_use_and_reads_them_in_one_statement_after() -> None:
    ada, ben = make_customer(), make_customer("ben")

    opened = ledger.lock_customers([ada.pk, ben.pk])
    with CaptureQueriesContext(connection) as queries:
        again = ledger.lock_customers([ben.pk, ada.pk])

    assert opened == again
    assert again[ada.pk].spendable == 0
    assert len(queries) == 1
    kinds = Account.objects.filter(customer=ada).values_list("kind", flat=True)
    assert sorted(kinds) == [CustomerAccount.AVAILABLE, CustomerAccount.PROMO]


def test_locks_accounts_in_the_order_of_their_keys(settings: Any) -> None:
    settings.PREPARE_STATEMENTS = False  # so that the text is in the queries
    ada, grace = make_customer(), make_staff()
    transfer = gift(ada, grace)

    with CaptureQueriesContext(connection) as queries:
        ledger.lock_customers([ada.pk])
        ledger.post([transfer], at=AT)

    for query in queries:
        assert re.search(r"ORDER BY (a\.)?id FOR NO KEY UPDATE", query["sql"])


@pytest.mark.django_db(transaction=True)
def test_refuses_to_write_or_lock_outside_of_a_transaction() -> None:
    ada, grace = make_customer(), make_staff()
    with transaction.atomic():
        transfer = gift(ada, grace)

    with pytest.raises(transaction.TransactionManagementError):
        ledger.post([transfer], at=AT)
    with pytest.raises(transaction.TransactionManagementError):
        ledger.lock_customers([ada.pk])

    assert not Transfer.objects.filter(customer=ada).exists()
