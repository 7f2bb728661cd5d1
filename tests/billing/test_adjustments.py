"""Staff credit and debit balances by hand."""

from decimal import Decimal

import pytest

from billing import adjustments, ledger
from billing.models import Account, CustomerAccount, Transfer
from panel.accounts.models import User
from panel.kernel.errors import Forbidden
from tests.factories import AT, make_customer, make_staff

pytestmark = pytest.mark.django_db


def available(customer: User) -> Decimal | None:
    return Account.objects.get(customer=customer, kind=CustomerAccount.AVAILABLE).balance


def test_credit_adds_to_the_available_balance_with_its_reason_and_author() -> None:
    ada, grace = make_customer(), make_staff()

    adjustments.credit(customer=ada, amount=Decimal("12.5"), reason="goodwill", author=grace, key="one", at=AT)

    assert available(ada) == Decimal("12.500000")
    transfer = Transfer.objects.get(customer=ada)
    assert (transfer.reason, transfer.author, transfer.amount) == ("goodwill", grace, Decimal("12.500000"))
    assert transfer.at == AT


def test_the_same_key_credits_once() -> None:
    ada, grace = make_customer(), make_staff()

    for _ in range(2):
        adjustments.credit(customer=ada, amount=Decimal("12.5"), reason="goodwill", author=grace, key="one", at=AT)

    assert available(ada) == Decimal("12.500000")


def test_refuses_the_same_key_for_another_amount() -> None:
    ada, grace = make_customer(), make_staff()
    adjustments.credit(customer=ada, amount=Decimal("12.5"), reason="goodwill", author=grace, key="one", at=AT)

    with pytest.raises(ledger.KeyReused):
        adjustments.credit(customer=ada, amount=Decimal(13), reason="goodwill", author=grace, key="one", at=AT)

    assert available(ada) == Decimal("12.500000")


def test_refuses_to_take_more_than_there_is() -> None:
    ada, grace = make_customer(funds="5"), make_staff()

    with pytest.raises(ledger.InsufficientFunds):
        adjustments.debit(customer=ada, amount=Decimal("5.000001"), reason="mistake", author=grace, key="one", at=AT)

    assert available(ada) == Decimal("5.000000")


@pytest.mark.parametrize("amount", ["0", "-1", "10000.000001", "NaN"])
def test_refuses_amounts_out_of_bounds(amount: str) -> None:
    ada, grace = make_customer(), make_staff()

    with pytest.raises(adjustments.BadAdjustment):
        adjustments.credit(customer=ada, amount=Decimal(amount), reason="goodwill", author=grace, key="one", at=AT)

    assert not Transfer.objects.exists()


def test_refuses_an_author_who_is_no_staff_or_the_customer() -> None:
    ada, grace = make_customer(), make_staff()

    for author, customer in ((ada, make_customer("bob")), (grace, grace)):
        with pytest.raises(Forbidden):
            adjustments.credit(customer=customer, amount=Decimal(1), reason="gift", author=author, key="one", at=AT)

    assert not Transfer.objects.exists()
