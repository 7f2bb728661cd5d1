"""The test cards and bank accounts to pay with, and how each behaves. The numbers are Stripe's own test numbers."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from panel.sandbox.payments.store import Document


class Paying(StrEnum):
    """What comes of paying with it. Control calls these the outcomes of a session."""

    PAYS = "pay"
    DECLINES = "decline"
    PAYS_LATER = "pay_later"
    FAILS_LATER = "fail_later"


class Refunding(StrEnum):
    """What comes of a refund to it."""

    SUCCEEDS = "succeeds"
    FAILS_LATER = "fails_later"
    STAYS_PENDING = "stays_pending"


@dataclass(frozen=True, slots=True)
class Card:
    """A card, or (without a brand) a bank account."""

    name: str
    label: str
    brand: str | None
    last4: str
    paying: Paying = Paying.PAYS
    refunding: Refunding = Refunding.SUCCEEDS

    @property
    def fingerprint(self) -> str:
        """What Stripe recognizes the card or account by: the same in every payment with it."""
        return hashlib.sha256(f"{self.method}:{self.name}".encode()).hexdigest()[:16]

    @property
    def method(self) -> str:
        """Stripe's type of payment method."""
        return "us_bank_account" if self.brand is None else "card"

    def details(self) -> Document:
        """Return `payment_method_details` of a charge to it."""
        if self.brand is None:
            return {
                "type": self.method,
                self.method: {
                    "account_holder_type": "individual",
                    "account_type": "checking",
                    "bank_name": "STRIPE TEST BANK",
                    "fingerprint": self.fingerprint,
                    "last4": self.last4,
                    "routing_number": "110000000",
                },
            }
        return {
            "type": self.method,
            self.method: {
                "brand": self.brand,
                "country": "US",
                "exp_month": 12,
                "exp_year": 2034,
                "fingerprint": self.fingerprint,
                "funding": "credit",
                "last4": self.last4,
                "network": self.brand,
                "wallet": None,
            },
        }


_ALL: Final = (
    Card("visa", "Visa 4242: succeeds", "visa", "4242"),
    Card("mastercard", "Mastercard 4444: succeeds", "mastercard", "4444"),
    Card("visa_declined", "Visa 0002: is declined", "visa", "0002", paying=Paying.DECLINES),
    Card(
        "closed_card",
        "Visa 5126: refunds to it fail later (closed card)",
        "visa",
        "5126",
        Paying.PAYS,
        Refunding.FAILS_LATER,
    ),
    Card(
        "pending_refunds", "Visa 7726: refunds to it stay pending", "visa", "7726", Paying.PAYS, Refunding.STAYS_PENDING
    ),
    Card("bank_debit", "Bank debit 6789: confirms later", None, "6789", Paying.PAYS_LATER),
    Card("bank_debit_fails", "Bank debit 1116: fails later", None, "1116", Paying.FAILS_LATER),
)
CARDS: Final = {card.name: card for card in _ALL}
BY_OUTCOME: Final = {
    Paying.PAYS: CARDS["visa"],
    Paying.DECLINES: CARDS["visa_declined"],
    Paying.PAYS_LATER: CARDS["bank_debit"],
    Paying.FAILS_LATER: CARDS["bank_debit_fails"],
}
