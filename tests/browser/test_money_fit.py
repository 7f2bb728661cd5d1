"""Every page about money on a narrow phone, by its headings and fields, and in both color schemes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import arrangements
from billing.models import Arrangement, Deposit, PayoutKind, WithdrawalLeg
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.browser.conftest import OpenBrowser
from tests.browser.test_fit import LOW_CONTRAST, overhang, unnamed_fields
from tests.browser.test_journey import sign_in
from tests.factories import make_customer, make_staff, open_deposit, pay_in, send_due, withdraw
from tests.web.people import PASSWORD, confirm

pytestmark = pytest.mark.django_db(transaction=True)

LONG_REFERENCE = "7" * 60


@pytest.fixture
def nora(payments: PaymentsSandbox) -> User:
    """A customer with deposits and withdrawals in every state that looks different."""
    now = timezone.now()
    nora = make_customer("nora", promo="3")
    confirm(nora)
    pay_in(nora, payments, "50", at=now - timedelta(days=3))
    pay_in(nora, payments, "30", card="closed_card", at=now - timedelta(days=2))
    pay_in(nora, payments, "300", card="mastercard", at=now - timedelta(days=1))
    pay_in(nora, payments, "40", card="bank_debit", at=now)
    came_back = withdraw(nora, "70", at=now - timedelta(days=2, hours=3))
    send_due(now - timedelta(days=2))
    payments.advance(3600 * 24 * 2)
    send_due(now)
    WithdrawalLeg.objects.filter(withdrawal=came_back).update(bank_reference=LONG_REFERENCE)
    withdraw(nora, "25", at=now)
    withdraw(nora, "201", at=now)
    withdraw(nora, "20", at=now - timedelta(days=20))
    Deposit.objects.filter(customer=nora, method_last4="4444").update(method_gone=True)
    arranged = withdraw(nora, "21", at=now)
    arrangements.propose(
        arrangement_id=Arrangement.objects.get(leg__withdrawal=arranged).pk,
        kind=PayoutKind.CRYPTO,
        destination="x" * 120,
        verification="Passport seen.",
        staff=make_staff(),
        at=now,
    )
    open_deposit(nora, "25", at=now)
    return nora


def _addresses(nora: User) -> list[str]:
    fixed = ["", "add/", "add/?amount=1e3", "withdraw/", "withdraw/?amount=30", "deposits/", "withdrawals/"]
    own = [f"add/{key}/" for key in nora.deposits.values_list("key", flat=True)]
    own += [f"withdrawals/{number}/" for number in nora.withdrawals.values_list("pk", flat=True)]
    cancelable = nora.withdrawals.filter(state="scheduled").values_list("pk", flat=True)
    own += [f"withdrawals/{number}/cancel/" for number in cancelable]
    return [f"/balance/{address}" for address in (*fixed, *own)]


@pytest.mark.parametrize("width", [320, 970])
def test_no_page_about_money_scrolls_sideways_or_lacks_a_name(
    open_browser: OpenBrowser, nora: User, width: int
) -> None:
    with open_browser(width=width) as page:
        sign_in(page, nora.email, PASSWORD)
        for address in _addresses(nora):
            page.goto(address)
            assert (address, overhang(page)) == (address, 0)
            assert (address, unnamed_fields(page)) == (address, [])
            assert (address, page.locator("h1").count()) == (address, 1)


@pytest.mark.parametrize("dark", [False, True])
def test_text_about_money_has_enough_contrast(open_browser: OpenBrowser, nora: User, *, dark: bool) -> None:
    with open_browser(dark=dark) as page:
        sign_in(page, nora.email, PASSWORD)
        for address in _addresses(nora):
            page.goto(address)
            assert (address, page.evaluate(LOW_CONTRAST)) == (address, [])
