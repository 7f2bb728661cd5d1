"""Stripe's Early Fraud Warnings as the gateway's reports. Pure: no calls, no settings. May raise OutcomeUnknown."""

from typing import Final

from billing.gateways.base import FraudWarningReport
from billing.gateways.stripe.answers import Answer

_LONGEST_WORD: Final = 100


def fraud_warning_report(warning: Answer) -> FraudWarningReport:
    """Read an Early Fraud Warning. One that does not say whether it is actionable is not: nothing is refunded by guess.

    A warning about a charge that has no PaymentIntent is of no payment of ours: its reference is empty.
    """
    return FraudWarningReport(
        reference=warning.text("id"),
        payment_reference=warning.reference("payment_intent"),
        fraud_type=warning.words("fraud_type", most=_LONGEST_WORD),
        actionable=warning.fields.get("actionable") is True,
        warned_at=warning.instant("created"),
    )
