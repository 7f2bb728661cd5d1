"""What a customer is told about paying a balance out, and what asking for it does."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from billing import gateway_refunds, withdrawals
from billing.models import CustomerAccount, Withdrawal, WithdrawalEvent, WithdrawalLeg, WithdrawalState
from panel.accounts.models import User
from panel.kernel.errors import PanelError
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from refunds import balance_refunds, publishing
from refunds.balance_refunds import NotAllowed
from tests.billing.money import balances
from tests.factories import AT, fund, make_customer, make_service, pay_in, place_order, receive_by_hand, withdraw

pytestmark = pytest.mark.django_db

KEY = UUID("11111111-2222-3333-4444-555555555555")


def request(customer: User, amount: str, *, confirmed: str | None = None, key: UUID = KEY) -> Withdrawal:
    if confirmed is None:
        quote = balance_refunds.quote(customer=customer, amount=Decimal(amount), at=AT)
        confirmed = quote.plan.digest
    return balance_refunds.request(customer=customer, amount=Decimal(amount), key=key, confirmed=confirmed, at=AT)


def nothing_moved(customer: User, *, available: str) -> bool:
    return balances(customer)["available"] == available and not Withdrawal.objects.exists()


def test_holds_the_money_and_plans_it_back_to_the_payment_that_it_came_from(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")

    withdrawal = request(ada, "20")

    assert (withdrawal.state, withdrawal.amount) == (WithdrawalState.SCHEDULED, Decimal("20.000000"))
    assert withdrawal.policy_version == publishing.version_in_force(AT).pk
    assert (withdrawal.clause, withdrawal.review_reason) == ("withdrawals", "")
    leg = WithdrawalLeg.objects.get(withdrawal=withdrawal)
    assert (leg.deposit_id, leg.gateway, leg.amount, leg.state) == (deposit.pk, "stripe", Decimal(20), "planned")
    deposit.refresh_from_db()
    assert (deposit.reserved, deposit.refunded) == (Decimal(20), 0)
    assert balances(ada) == {"available": "30.00", "held": "20.00"}
    assert Email.objects.filter(template="withdrawal_scheduled", customer=ada).count() == 1
    assert payments.refunds() == []


def test_promises_dates_by_the_calendar_and_an_hour_to_cancel(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")

    withdrawal = request(ada, "20")

    assert withdrawal.send_at == AT + timedelta(hours=1)
    assert withdrawal.due_at == withdrawal.send_at
    # Monday, November 2; business days 3 and 5; Veterans Day on Wednesday the 11th; ten more at the bank.
    assert (withdrawal.earliest_date, withdrawal.send_by_date) == (date(2026, 11, 5), date(2026, 11, 9))
    assert withdrawal.bank_by_date == date(2026, 11, 24)
    assert withdrawal.overdue_at == datetime(2026, 11, 10, tzinfo=UTC)


def test_has_a_person_look_at_more_than_the_policys_limit(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "500")

    small, large = request(ada, "200"), withdraw(ada, "200.01")

    assert (small.state, large.state) == (WithdrawalState.SCHEDULED, WithdrawalState.IN_REVIEW)
    assert (large.clause, large.due_at) == ("withdrawals.verify_above", None)
    assert large.review_reason.startswith("Withdrawals above 200.00 USD are checked by a person first.")
    assert Email.objects.filter(template="withdrawal_in_review", customer=ada).count() == 1


def test_has_a_person_look_at_a_customer_who_is_flagged(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50")
    User.objects.filter(pk=ada.pk).update(standing="abuse_flagged")

    assert withdraw(ada, "5").state == WithdrawalState.IN_REVIEW


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("0", "Withdraw 5.00 USD or more."),
        ("4.99", "Withdraw 5.00 USD or more."),
        ("4.999999", "Withdraw 5.00 USD or more."),
        ("50.01", "You can withdraw at most 50.00 USD."),
        ("99999999999999", "You can withdraw at most 50.00 USD."),
    ],
)
def test_refuses_amounts_that_the_policy_does_not_pay_out(amount: str, sentence: str) -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")

    with pytest.raises(NotAllowed) as refused:
        request(ada, amount, confirmed="")

    assert (refused.value.message, refused.value.field) == (sentence, "amount")
    assert nothing_moved(ada, available="50.00")


@pytest.mark.parametrize(
    "amount", ["-5", "-0.000001", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "1e30", "1e-7", "0." + "9" * 40]
)
def test_refuses_what_is_no_amount(amount: str) -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")

    for ask in (
        lambda: request(ada, amount, confirmed=""),
        lambda: balance_refunds.quote(customer=ada, amount=Decimal(amount), at=AT),
    ):
        with pytest.raises(PanelError) as refused:
            ask()
        assert refused.value.field == "amount"
    assert nothing_moved(ada, available="50.00")


def test_floors_to_whole_cents_and_leaves_the_rest_on_the_balance() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    fund(ada, "0.005")

    withdrawal = request(ada, "50.0049999")

    assert withdrawal.amount == Decimal("50.000000")
    assert balances(ada) == {"available": "0.005", "held": "50.00"}


@pytest.mark.usefixtures("credit_only_policy")
def test_credit_only_refuses_every_withdrawal() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")

    offer = balance_refunds.offer(customer=ada, at=AT)
    with pytest.raises(NotAllowed) as refused:
        request(ada, "20", confirmed="")

    assert offer.refusal == refused.value.message
    assert (offer.minimum, offer.clause) == (None, "withdrawals.allowed")
    assert nothing_moved(ada, available="50.00")


def test_the_policy_of_the_moment_of_the_request_decides() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    path = Path(publishing.SHIPPED) / "panel-credit-only.toml"
    publishing.publish(
        text=path.read_text(encoding="utf-8"), source=path.name, effective_from=AT + timedelta(days=1), at=AT
    )

    before = withdraw(ada, "20")
    with pytest.raises(NotAllowed):
        withdraw(ada, "20", at=AT + timedelta(days=1))

    assert before.state == WithdrawalState.SCHEDULED
    assert balances(ada) == {"available": "30.00", "held": "20.00"}


def test_promotional_money_is_never_offered_or_paid_out() -> None:
    ada = make_customer(promo="100")
    receive_by_hand(ada, "10")

    offer = balance_refunds.offer(customer=ada, at=AT)
    with pytest.raises(NotAllowed):
        request(ada, "10.01", confirmed="")

    assert (offer.withdrawable, offer.promo) == (Decimal(10), Decimal(100))
    assert withdraw(ada, "10").amount == Decimal(10)
    assert balances(ada) == {"held": "10.00", "promo": "100.00"}


def test_what_was_spent_can_not_be_withdrawn() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    place_order(ada, make_service(rate="40"))

    with pytest.raises(NotAllowed, match=r"at most 10\.00 USD"):
        request(ada, "10.01", confirmed="")

    assert balances(ada) == {"available": "10.00"}


def test_offers_nothing_below_the_minimum() -> None:
    ada = make_customer()
    receive_by_hand(ada, "4.99")

    offer = balance_refunds.offer(customer=ada, at=AT)

    assert offer.refusal == "A balance of 5.00 USD or more can be withdrawn; yours is 4.99 USD."


def test_the_same_form_again_is_the_same_withdrawal() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")

    first = request(ada, "20")
    again = request(ada, "20", confirmed="whatever the page says now")

    assert again.pk == first.pk
    assert balances(ada) == {"available": "30.00", "held": "20.00"}
    assert WithdrawalEvent.objects.count() == 1
    assert Email.objects.filter(template="withdrawal_scheduled").count() == 1


def test_a_form_can_not_be_used_for_another_amount_or_by_another_customer() -> None:
    ada, ben = make_customer(), make_customer("ben")
    receive_by_hand(ada, "50")
    receive_by_hand(ben, "50")
    request(ada, "20")

    with pytest.raises(PanelError):
        request(ada, "21")
    with pytest.raises(PanelError):
        request(ben, "20")

    assert Withdrawal.objects.count() == 1
    assert balances(ben) == {"available": "50.00"}


def test_refuses_a_plan_that_is_not_the_one_confirmed() -> None:
    ada = make_customer()
    receive_by_hand(ada, "50")
    quote = balance_refunds.quote(customer=ada, amount=Decimal(20), at=AT)
    withdraw(ada, "40")
    receive_by_hand(ada, "50")

    with pytest.raises(withdrawals.PlanChanged):
        request(ada, "20", confirmed=quote.plan.digest)

    assert balances(ada) == {"available": "60.00", "held": "40.00"}


def test_quotes_what_would_happen_and_holds_nothing(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    pay_in(ada, payments, "30")
    receive_by_hand(ada, "30")
    fund(ada, "10")

    quote = balance_refunds.quote(customer=ada, amount=Decimal(65), at=AT)

    assert [(part.method, part.amount) for part in quote.plan.parts] == [
        ("Visa ending in 4242", Decimal(30)),
        ("Bank transfer", Decimal(30)),
    ]
    assert quote.plan.arranged == Decimal(5)
    assert not quote.is_reviewed
    assert nothing_moved(ada, available="70.00")


def test_a_policy_without_another_way_refuses_what_no_payment_can_take() -> None:
    text = publishing.version_in_force(AT).text.replace("alternative_method = true", "alternative_method = false")
    publishing.publish(text=text, source="strict.toml", effective_from=AT, at=AT)
    ada = make_customer()
    receive_by_hand(ada, "20")
    fund(ada, "10")

    with pytest.raises(NotAllowed, match=r"10\.00 USD can't go back"):
        request(ada, "30", confirmed="")

    assert withdraw(ada, "20").amount == Decimal(20)


def test_debt_is_not_paid_out(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    place_order(ada, make_service(rate="50"))
    payments.refund_by_hand(deposit.payment_reference or "", 2000)
    gateway_refunds.refresh_payment(deposit.payment_reference or "", gateway="stripe", at=AT)
    fund(ada, "30", account=CustomerAccount.AVAILABLE)

    offer = balance_refunds.offer(customer=ada, at=AT)
    with pytest.raises(NotAllowed, match=r"at most 10\.00 USD"):
        request(ada, "10.01", confirmed="")

    assert (offer.withdrawable, offer.debt) == (Decimal(10), Decimal(0))  # what came in has paid it
