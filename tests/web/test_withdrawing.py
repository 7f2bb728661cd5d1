from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import CustomerAccount, Deposit, LegState, Transfer, TransferKind, Withdrawal, WithdrawalState
from panel.accounts import suspension
from panel.accounts.models import Standing, User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import fund, make_customer, only_leg, pay_in, withdraw
from tests.web import pages

pytestmark = pytest.mark.django_db

ADDRESS = "/balance/withdraw/"
# A Sunday before Thanksgiving: business days 1 to 5 are Nov 23, 24, 25, 27 and 30.
SUNDAY = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    """Have it be that Sunday, as the pages ask the clock: a card takes money back for some months only."""
    with time_machine.travel(SUNDAY, tick=True):
        yield


@pytest.fixture
def ben(client: Client, payments: PaymentsSandbox) -> User:
    """A customer, signed in, whose whole balance of fifty came by card."""
    ben = make_customer("ben")
    pay_in(ben, payments)
    client.force_login(ben)
    return ben


def _quote(client: Client, amount: str) -> "pages.Response":
    return client.post(f"{ADDRESS}quote/", {"amount": amount})


def _confirm(client: Client, amount: str, **other: str) -> "pages.Response":
    """Send the form as a browser does after it showed what goes where."""
    filled = {
        "key": pages.hidden(client.get(ADDRESS), "key"),
        "confirmed": pages.hidden(_quote(client, amount), "confirmed"),
    }
    return client.post(ADDRESS, {"amount": amount, **filled, **other})


def _nothing_moved() -> None:
    assert not Withdrawal.objects.exists()
    assert not Transfer.objects.filter(kind=TransferKind.WITHDRAWAL_OPENED).exists()


@pytest.mark.usefixtures("ben")
def test_says_beforehand_what_can_be_withdrawn_and_by_which_rule(client: Client) -> None:
    page = client.get(ADDRESS)
    said = pages.text(page)

    assert "You can withdraw 50.00 USD" in said
    assert "From 5.00 USD." in said
    assert "Promotional credit can be spent but not paid out." in said
    assert {"/refund-policy/#withdrawals", "/balance/withdraw/?amount=50.00"} <= set(pages.links(page))


def test_says_what_can_not_be_withdrawn(client: Client, ben: User) -> None:
    fund(ben, "3", account=CustomerAccount.PROMO)
    withdraw(ben, "20")

    said = pages.text(client.get(ADDRESS))

    assert "You can withdraw 30.00 USD Promotional, to spend only 3.00 USD On its way back already 20.00 USD" in said


@time_machine.travel(SUNDAY, tick=False)
@pytest.mark.usefixtures("ben")
def test_the_quote_says_where_it_goes_and_when_in_words(client: Client) -> None:
    said = pages.text(_quote(client, "20"))

    assert "Visa ending in 4242 paid on 2 Nov 2026, 12:00 UTC 20.00 USD" in said
    assert "Fee none" in said
    assert "Sent by Monday, November 30 in 5 business days" in said
    assert "You can cancel until 14:05 UTC" in said
    assert "Left to withdraw 30.00 USD" in said
    assert "You get 20.00 USD" in said
    assert "Business days are those of the US calendar, in the time zone UTC." in said
    _nothing_moved()


@time_machine.travel(SUNDAY, tick=False)
@pytest.mark.usefixtures("ben")
def test_dates_and_times_are_those_of_the_panels_zone(client: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"

    said = pages.text(_quote(client, "20"))

    assert "You can cancel until 23:05 JST" in said
    assert "in the time zone Asia/Tokyo" in said


def test_the_oldest_payment_is_paid_back_first_and_the_rest_by_the_next(
    client: Client, ben: User, payments: PaymentsSandbox
) -> None:
    pay_in(ben, payments, "30", card="mastercard", at=datetime(2026, 11, 3, tzinfo=UTC))

    said = pages.text(_quote(client, "60"))

    assert said.index("Visa ending in 4242") < said.index("Mastercard ending in 4444")
    assert "50.00 USD Mastercard ending in 4444 paid on 3 Nov 2026, 00:00 UTC 10.00 USD" in said


def test_says_which_method_takes_nothing_back_and_what_support_arranges(client: Client, ben: User) -> None:
    Deposit.objects.filter(customer=ben).update(method_gone=True)

    said = pages.text(_quote(client, "20"))

    assert "20.00 USD can't go back the way it came, so support arranges another way with you." in said
    assert "Nothing goes back to Visa ending in 4242 (50.00 USD)" in said
    assert "With your bank by" not in said


@pytest.mark.usefixtures("ben")
def test_says_when_it_was_cut_to_whole_cents(client: Client) -> None:
    said = pages.text(_quote(client, "20.009"))

    assert "20.00 USD is withdrawn: payments can't be finer. 0.009 USD stays on your balance." in said


def test_says_when_a_person_looks_first(client: Client, payments: PaymentsSandbox) -> None:
    rich = make_customer("rosa")
    pay_in(rich, payments, "300")
    client.force_login(rich)

    said = pages.text(_quote(client, "250"))
    _confirm(client, "250")

    assert "Withdrawals above 200.00 USD are checked by a person first." in said
    withdrawal = Withdrawal.objects.get()
    assert withdrawal.state == WithdrawalState.IN_REVIEW
    page = pages.text(client.get(f"/balance/withdrawals/{withdrawal.pk}/"))
    assert "250.00 USD was set aside for your withdrawal, and a person looks at it first." in page
    assert "on its way back to you." not in page


def test_names_the_policy_that_it_cites(client: Client, ben: User) -> None:
    assert "From the Money-back guarantee , version 1" in pages.text(client.get("/balance/withdraw/"))
    assert ben.withdrawals.count() == 0


def test_confirming_opens_it_and_goes_to_its_page(client: Client, ben: User) -> None:
    sent = _confirm(client, "20")

    withdrawal = Withdrawal.objects.get()
    assert sent["Location"] == f"/balance/withdrawals/{withdrawal.pk}/"
    assert (withdrawal.customer, withdrawal.amount, withdrawal.state) == (ben, Decimal(20), WithdrawalState.SCHEDULED)
    assert only_leg(withdrawal).state == LegState.PLANNED
    assert "20.00 USD was set aside for your withdrawal." in pages.text(client.get(sent["Location"]))
    assert "On its way back to you 20.00 USD" in pages.text(client.get("/balance/"))


@pytest.mark.usefixtures("ben")
def test_the_same_form_sent_twice_withdraws_once(client: Client) -> None:
    form = {
        "amount": "50",
        "key": pages.hidden(client.get(ADDRESS), "key"),
        "confirmed": pages.hidden(_quote(client, "50"), "confirmed"),
    }

    first, second = client.post(ADDRESS, form), client.post(ADDRESS, form)

    assert first["Location"] == second["Location"]
    assert Withdrawal.objects.count() == 1
    assert "was asked for already; nothing was taken again" in pages.text(client.get(second["Location"]))


@pytest.mark.usefixtures("ben")
def test_a_form_sent_before_with_another_amount_asks_once_more(client: Client) -> None:
    key = pages.hidden(client.get(ADDRESS), "key")
    _confirm(client, "20", key=key)

    refused = _confirm(client, "10", key=key)
    fresh = pages.hidden(refused, "key")
    _confirm(client, "10", key=fresh)

    assert refused.status_code == 409
    assert "Nothing was withdrawn now" in pages.text(refused)
    assert fresh != key
    assert sorted(Withdrawal.objects.values_list("amount", flat=True)) == [Decimal(10), Decimal(20)]


@pytest.mark.usefixtures("ben")
def test_what_was_not_shown_is_shown_before_it_is_done(client: Client) -> None:
    first = client.post(ADDRESS, {"amount": "20", "key": pages.hidden(client.get(ADDRESS), "key")})

    assert first.status_code == 200
    assert "Please check what goes where and when, then confirm." in pages.text(first)
    assert "You get 20.00 USD" in pages.text(first)
    _nothing_moved()

    client.post(
        ADDRESS, {"amount": "20", "key": pages.hidden(first, "key"), "confirmed": pages.hidden(first, "confirmed")}
    )

    assert Withdrawal.objects.get().amount == Decimal(20)


def test_a_plan_that_changed_meanwhile_is_shown_again(client: Client, ben: User, payments: PaymentsSandbox) -> None:
    pay_in(ben, payments, "30", card="mastercard", at=datetime(2026, 11, 3, tzinfo=UTC))
    confirmed = pages.hidden(_quote(client, "20"), "confirmed")
    Deposit.objects.filter(customer=ben, method_last4="4242").update(method_gone=True)

    refused = _confirm(client, "20", confirmed=confirmed)

    assert refused.status_code == 409
    assert "has changed. Nothing was withdrawn" in pages.text(refused)
    assert "Mastercard ending in 4444" in pages.text(refused)
    _nothing_moved()


@pytest.mark.usefixtures("ben")
def test_a_promise_that_moved_overnight_is_shown_again(client: Client) -> None:
    with time_machine.travel(SUNDAY.replace(hour=23, minute=59), tick=False):
        confirmed = pages.hidden(_quote(client, "20"), "confirmed")
    with time_machine.travel(SUNDAY.replace(day=23, hour=0, minute=1), tick=False):
        refused = _confirm(client, "20", confirmed=confirmed)

    assert refused.status_code == 409
    _nothing_moved()


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "Give the amount, such as 20.00."),
        ("0", "Withdraw 5.00 USD or more."),
        ("4.99", "Withdraw 5.00 USD or more."),
        ("50.01", "You can withdraw at most 50.00 USD."),
        ("99999999999999", "You can withdraw at most 50.00 USD."),
        ("-20", "Write the amount in digits"),
        ("20.1234567", "Write the amount in digits"),
        ("1e3", "Write the amount in digits"),
        ("20 EUR", "Write the amount in digits"),
        ("\uff11\uff10", "Write the amount in digits"),
        ("1\x000", "Write the amount in digits"),
        ("NaN", "Write the amount in digits"),
        ("9" * 400, "Write the amount in digits"),
    ],
)
@pytest.mark.usefixtures("ben")
def test_refuses_a_bad_amount_beside_its_field(client: Client, amount: str, words: str) -> None:
    answer, live = _confirm(client, amount), _quote(client, amount)

    assert answer.status_code == 422
    assert words in pages.element(answer, "amount-error")
    assert pages.element(live, "amount-error") == ("" if not amount else pages.element(answer, "amount-error"))
    _nothing_moved()


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize("key", ["", "1", "\x00", "x" * 36])
def test_a_form_without_a_good_key_moves_nothing(client: Client, key: str) -> None:
    answer = _confirm(client, "20", key=key)

    assert "You get 20.00 USD" in pages.text(answer)
    _nothing_moved()


@pytest.mark.usefixtures("credit_only_policy")
def test_a_policy_that_pays_nothing_out_says_so_and_refuses(client: Client, ben: User) -> None:
    page = client.get(ADDRESS)
    refused = client.post(ADDRESS, {"amount": "20", "key": "0a1f8f38-6c77-4d4a-8c51-5d1f3a3f6f10", "confirmed": "x"})

    for answer in (page, refused):
        said = pages.text(answer)
        assert "Your balance can be spent on orders and is not paid out to a payment method." in said
        assert "Nothing is paid back to a card, wallet, bank transfer" in said
        assert "clause withdrawals.allowed" in said
        assert b'name="amount"' not in answer.content
    assert "/refund-policy/#withdrawals" in pages.links(page)
    assert refused.status_code == 422
    assert ben.withdrawals.count() == 0


def test_too_small_a_balance_is_told_without_a_form(client: Client) -> None:
    poor = make_customer("ida", funds="4.99")
    client.force_login(poor)

    page = client.get(ADDRESS)

    assert "A balance of 5.00 USD or more can be withdrawn; yours is 4.99 USD." in pages.text(page)
    assert b'name="amount"' not in page.content


def test_tells_a_suspended_customer_and_moves_nothing(client: Client, ben: User) -> None:
    form = {
        "amount": "20",
        "key": pages.hidden(client.get(ADDRESS), "key"),
        "confirmed": pages.hidden(_quote(client, "20"), "confirmed"),
    }
    suspension.suspend(user=ben, reason="A payment is disputed.", at=timezone.now())

    shown, sent = client.get(ADDRESS), client.post(ADDRESS, form)

    assert "nothing can be withdrawn: A payment is disputed." in pages.text(shown)
    assert b'name="amount"' not in shown.content
    assert sent.status_code == 422
    _nothing_moved()


def test_a_flagged_customer_is_looked_at_by_a_person(client: Client, ben: User) -> None:
    ben.standing = Standing.ABUSE_FLAGGED
    ben.save(update_fields=["standing"])

    assert "A person looks at this withdrawal first." in pages.text(_quote(client, "20"))


@pytest.mark.usefixtures("ben")
def test_keeps_what_was_typed_and_escapes_it(client: Client) -> None:
    answer = _confirm(client, '"><script>alert(1)</script>')

    assert b"<script>alert" not in answer.content


def test_a_part_asks_signed_out_browsers_to_sign_in(client: Client) -> None:
    here = f"https://panel.example.com{ADDRESS}?amount=20"

    response = client.post(f"{ADDRESS}quote/", headers={"HX-Request": "true", "HX-Current-URL": here})

    assert response["HX-Redirect"] == f"/accounts/login/?next={ADDRESS}"


def test_takes_the_same_queries_for_one_payment_and_many(
    client: Client, ben: User, payments: PaymentsSandbox, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(9):
        client.get(ADDRESS, {"amount": "50"})
    for _ in range(4):
        pay_in(ben, payments)

    with django_assert_num_queries(9):
        client.get(ADDRESS, {"amount": "199"})
