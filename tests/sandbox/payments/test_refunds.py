import pytest
import stripe

from panel.sandbox.payments import PaymentsSandbox
from panel.sandbox.payments.errors import StripeError
from tests.sandbox.payments.conftest import Opening, Paying


def types_of(sandbox: PaymentsSandbox) -> list[str]:
    return [event["type"] for event in sandbox.events()][4:]  # after those of the payment


def charge_of(api: stripe.StripeClient, intent: str) -> stripe.Charge:
    return api.v1.charges.list({"payment_intent": intent}).data[0]


def test_a_refund_succeeds_at_once_with_the_banks_reference(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent, before = pay(), sandbox.balance()

    refund = api.v1.refunds.create(
        {"payment_intent": intent, "amount": 2000, "metadata": {"leg": "3"}, "reason": "requested_by_customer"}
    )

    charge = charge_of(api, intent)
    assert (refund.status, refund.amount, refund.charge) == ("succeeded", 2000, charge.id)
    assert refund.to_dict()["metadata"] == {"leg": "3"}
    assert refund.destination_details is not None
    assert refund.destination_details.type == "card"
    assert refund.destination_details.card is not None
    assert refund.destination_details.card.reference_status == "available"
    assert len(refund.destination_details.card.reference or "") == 17
    assert (charge.amount_refunded, charge.refunded) == (2000, False)
    assert isinstance(refund.balance_transaction, str)
    transaction = api.v1.balance_transactions.retrieve(refund.balance_transaction)
    assert (transaction.type, transaction.reporting_category, transaction.net) == ("refund", "refund", -2000)
    assert transaction.source == refund.id
    assert before - sandbox.balance() == 2000
    assert types_of(sandbox) == ["refund.created", "charge.refunded"]
    assert api.v1.refunds.retrieve(refund.id) == refund


def test_without_an_amount_the_rest_is_refunded(api: stripe.StripeClient, pay: Paying) -> None:
    intent = pay()
    api.v1.refunds.create({"charge": charge_of(api, intent).id, "amount": 1999})

    rest = api.v1.refunds.create({"payment_intent": intent})

    assert rest.amount == 3001
    assert charge_of(api, intent).refunded is True


def test_never_refunds_more_than_is_left(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    intent = pay(amount=500_000)
    api.v1.refunds.create({"payment_intent": intent, "amount": 100_000})

    with pytest.raises(stripe.InvalidRequestError) as too_much:
        api.v1.refunds.create({"payment_intent": intent, "amount": 400_001})
    api.v1.refunds.create({"payment_intent": intent, "amount": 400_000})
    with pytest.raises(stripe.InvalidRequestError) as nothing_left:
        api.v1.refunds.create({"payment_intent": intent, "amount": 1})

    assert too_much.value.user_message == (
        "Refund amount ($4,000.01) is greater than unrefunded amount on charge ($4,000.00)"
    )
    assert (too_much.value.param, too_much.value.code) == ("amount", None)
    assert nothing_left.value.code == "charge_already_refunded"
    assert [refund["amount"] for refund in sandbox.refunds()] == [100_000, 400_000]


@pytest.mark.parametrize(("amount", "code"), [(0, "parameter_invalid_integer"), (-1, "parameter_invalid_integer")])
def test_refuses_amounts_that_are_none(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying, amount: int, code: str
) -> None:
    intent = pay()

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"payment_intent": intent, "amount": amount})

    assert (refusal.value.param, refusal.value.code) == ("amount", code)
    assert sandbox.refunds() == []


def test_refuses_what_cannot_be_refunded(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening
) -> None:
    session = open_session()
    sandbox.pay_later(session)
    processing = api.v1.checkout.sessions.retrieve(session).payment_intent
    assert isinstance(processing, str)

    with pytest.raises(stripe.InvalidRequestError) as missing:
        api.v1.refunds.create({"payment_intent": "pi_none"})
    with pytest.raises(stripe.InvalidRequestError) as unpaid:
        api.v1.refunds.create({"payment_intent": processing})
    with pytest.raises(stripe.InvalidRequestError) as neither:
        api.v1.refunds.create({})

    assert (missing.value.http_status, missing.value.code, missing.value.param) == (
        404,
        "resource_missing",
        "payment_intent",
    )
    assert "does not have a successful charge" in str(unpaid.value)
    assert neither.value.code == "parameter_missing"


def test_a_refund_to_a_closed_card_fails_late_by_the_clock(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay("closed_card")
    before = sandbox.balance()
    refund = api.v1.refunds.create({"payment_intent": intent, "amount": 2000})

    sandbox.advance(3590)
    at_first = api.v1.refunds.retrieve(refund.id).status
    sandbox.advance(20)
    failed = api.v1.refunds.retrieve(refund.id)

    assert (refund.status, at_first, failed.status) == ("succeeded", "succeeded", "failed")
    assert failed.failure_reason == "expired_or_canceled_card"
    assert isinstance(failed.failure_balance_transaction, str)
    transaction = api.v1.balance_transactions.retrieve(failed.failure_balance_transaction)
    assert (transaction.type, transaction.amount, transaction.source) == ("refund_failure", 2000, refund.id)
    assert charge_of(api, intent).amount_refunded == 0
    assert sandbox.balance() == before
    assert types_of(sandbox) == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
    ]


def test_pending_refunds_wait_for_control(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    waiting = api.v1.refunds.create({"payment_intent": pay("pending_refunds"), "amount": 2000})
    sandbox.set_refund_outcome("pending")
    other = api.v1.refunds.create({"payment_intent": pay(), "amount": 2000})

    sandbox.advance(10 * 86400)
    still = api.v1.refunds.retrieve(waiting.id).status
    sandbox.move_refund(waiting.id, "succeeded")
    done = api.v1.refunds.retrieve(waiting.id)

    assert [waiting.status, still, other.status] == ["pending"] * 3
    assert waiting.pending_reason == "processing"
    assert waiting.destination_details is not None
    assert waiting.destination_details.card is not None
    assert "reference" not in waiting.destination_details.card
    assert (done.status, done.pending_reason) == ("succeeded", None)
    assert done.destination_details is not None
    assert done.destination_details.card is not None
    assert done.destination_details.card.reference


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_ends_badly_leaves_its_amount_to_be_refunded_again(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying, status: str
) -> None:
    intent = pay()
    refund = api.v1.refunds.create({"payment_intent": intent})

    sandbox.move_refund(refund.id, status, failure_reason="lost_or_stolen_card")
    again = api.v1.refunds.create({"payment_intent": intent})

    assert api.v1.refunds.retrieve(refund.id).failure_reason == "lost_or_stolen_card"
    assert (again.amount, again.status) == (5000, "succeeded")
    with pytest.raises(StripeError, match="no room"):
        sandbox.move_refund(refund.id, "succeeded")
    assert charge_of(api, intent).amount_refunded == 5000


def test_a_status_that_nobody_knows_is_reported_and_counts_as_refunded(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    refund = api.v1.refunds.create({"payment_intent": intent, "amount": 2000})

    sandbox.move_refund(refund.id, "under_water")

    assert api.v1.refunds.retrieve(refund.id).status == "under_water"
    assert charge_of(api, intent).amount_refunded == 2000


def test_a_short_balance_holds_up_cards_and_refuses_bank_debits(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening, pay: Paying
) -> None:
    card, session = pay(), open_session()
    sandbox.pay_later(session)
    sandbox.advance(4000)
    debit = api.v1.checkout.sessions.retrieve(session).payment_intent
    assert isinstance(debit, str)
    sandbox.set_balance(1999)

    refund = api.v1.refunds.create({"payment_intent": card, "amount": 2000})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"payment_intent": debit, "amount": 2000})
    sandbox.set_balance(2000)
    sent = api.v1.refunds.retrieve(refund.id)

    assert (refund.status, refund.pending_reason, refund.balance_transaction) == ("pending", "insufficient_funds", None)
    assert refusal.value.code == "balance_insufficient"
    assert (sent.status, sandbox.balance()) == ("succeeded", 0)


def test_a_refund_that_is_refused_at_its_end_is_not_made(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent, before = pay(), sandbox.balance()

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        api.v1.refunds.create({"payment_intent": intent, "expand": ["amount"]})

    assert (sandbox.refunds(), sandbox.balance(), types_of(sandbox)) == ([], before, [])
    assert charge_of(api, intent).amount_refunded == 0


def test_a_bank_debit_is_refunded_as_a_payment(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening
) -> None:
    session = open_session()
    sandbox.pay_later(session)
    sandbox.advance(4000)
    intent = api.v1.checkout.sessions.retrieve(session).payment_intent
    assert isinstance(intent, str)

    refund = api.v1.refunds.create({"payment_intent": intent, "expand": ["balance_transaction", "charge"]})

    assert isinstance(refund.balance_transaction, stripe.BalanceTransaction)
    assert refund.balance_transaction.type == "payment_refund"
    assert isinstance(refund.charge, stripe.Charge)
    assert refund.charge.payment_method_details is not None
    assert refund.charge.payment_method_details.type == "us_bank_account"
    assert api.v1.balance_transactions.list({"type": "payment"}).data[0].amount == 5000


def test_money_that_we_know_nothing_of_moves_by_hand(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    intent = sandbox.pay_unknown(7700, "usd")

    refund = sandbox.refund_by_hand(intent, 700)

    assert api.v1.checkout.sessions.list({"payment_intent": intent}).data == []
    assert api.v1.payment_intents.retrieve(intent).to_dict()["metadata"] == {}
    found = api.v1.refunds.list({"payment_intent": intent}).data
    assert [(each.id, each.amount, each.to_dict()["metadata"]) for each in found] == [(refund, 700, {})]
