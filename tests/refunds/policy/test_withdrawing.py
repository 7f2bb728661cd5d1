from dataclasses import replace
from decimal import Decimal

import pytest

from refunds.policy import loader
from refunds.policy.document import Policy
from refunds.policy.facts import Standing
from refunds.policy.withdrawing import CREDIT_ONLY as CREDIT_ONLY_SENTENCE
from refunds.policy.withdrawing import Outcome, WithdrawalFacts, WithdrawalVerdict, decide_withdrawal
from tests.refunds.policy.documents import CREDIT_ONLY, MINIMAL, MONEY_BACK


def decide(
    amount: str, *, withdrawable: str = "1000", standing: Standing = Standing.CLEAR, policy: Policy = MONEY_BACK
) -> WithdrawalVerdict:
    facts = WithdrawalFacts(Decimal(withdrawable), Decimal(amount), standing)
    return decide_withdrawal(policy, facts, currency="USD")


def test_sends_by_itself_from_the_minimum_up_to_the_limit_of_verification() -> None:
    for amount in ("5", "5.01", "199.99", "200"):
        verdict = decide(amount)

        assert (verdict.outcome, verdict.clause, verdict.field) == (Outcome.AUTOMATIC, "withdrawals", None)
        assert verdict.reason == "It is sent within 3 to 5 business days."


def test_refuses_less_than_the_minimum_and_says_what_to_change() -> None:
    verdict = decide("4.99")

    assert (verdict.outcome, verdict.clause) == (Outcome.REFUSED, "withdrawals.minimum")
    assert (verdict.reason, verdict.field) == ("Withdraw 5.00 USD or more.", "amount")


@pytest.mark.parametrize("amount", ["0", "-5", "-0.01"])
def test_refuses_nothing_and_less(amount: str) -> None:
    assert decide(amount).outcome is Outcome.REFUSED


def test_refuses_any_amount_of_a_balance_below_the_minimum() -> None:
    verdict = decide("4.99", withdrawable="4.99")

    assert (verdict.outcome, verdict.field) == (Outcome.REFUSED, None)
    assert verdict.reason == "A balance of 5.00 USD or more can be withdrawn; yours is 4.99 USD."


def test_refuses_more_than_the_balance() -> None:
    verdict = decide("50.01", withdrawable="50")

    assert (verdict.outcome, verdict.clause, verdict.field) == (Outcome.REFUSED, "withdrawals.balance", "amount")
    assert verdict.reason == "You can withdraw at most 50.00 USD."


def test_has_a_person_look_at_amounts_above_the_limit() -> None:
    verdict = decide("200.01")

    assert (verdict.outcome, verdict.clause) == (Outcome.REVIEW, "withdrawals.verify_above")
    assert "Withdrawals above 200.00 USD are checked by a person first." in verdict.reason


@pytest.mark.parametrize("standing", [standing for standing in Standing if standing is not Standing.CLEAR])
def test_has_a_person_look_at_a_customer_whose_standing_is_not_clear(standing: Standing) -> None:
    verdict = decide("5", standing=standing)

    assert (verdict.outcome, verdict.clause) == (Outcome.REVIEW, "withdrawals.standing")
    assert standing.value not in verdict.reason


def test_a_policy_without_a_limit_of_verification_reviews_by_standing_only() -> None:
    unlimited = replace(MONEY_BACK, withdrawals=replace(MONEY_BACK.withdrawals, verify_above=None))

    assert decide("1000", policy=unlimited).outcome is Outcome.AUTOMATIC
    assert decide("5", policy=unlimited, standing=Standing.ABUSE_FLAGGED).outcome is Outcome.REVIEW


@pytest.mark.parametrize("amount", ["5", "0", "1000000"])
def test_credit_only_pays_nothing_out_whatever_is_asked(amount: str) -> None:
    verdict = decide(amount, policy=CREDIT_ONLY)

    assert (verdict.outcome, verdict.clause) == (Outcome.REFUSED, "withdrawals.allowed")
    assert (verdict.reason, verdict.field) == (CREDIT_ONLY_SENTENCE, None)


def test_the_figures_are_the_documents_own() -> None:
    document = MINIMAL.replace('minimum = "5.00"', 'minimum = "7.50"').replace("[3, 5]", "[1, 2]")
    policy = loader.loads(document, source="corner-shop.toml")

    assert decide("7.49", policy=policy).reason == "Withdraw 7.50 USD or more."
    assert decide("7.50", policy=policy).reason == "It is sent within 1 to 2 business days."
    assert decide("100.01", policy=policy).outcome is Outcome.REVIEW
