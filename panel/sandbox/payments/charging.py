"""PaymentIntents and Charges: money that comes in, or does not."""

from dataclasses import dataclass

from panel.sandbox.payments import account as accounts
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.cards import Card
from panel.sandbox.payments.store import Document

DECLINED = "Your card was declined."
DEBIT_FAILED = "The customer's bank account could not be debited."


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, as far as it is known."""

    email: str | None = None
    name: str | None = None


def open_intent(
    account: Account, *, amount: int, currency: str, metadata: Document, description: str | None
) -> Document:
    """Make a PaymentIntent that has not been paid. `amount` in minor units."""
    number = account.store.name("pi")
    intent: Document = {
        "id": number,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{number}_secret_{account.store.digest(number)}",
        "confirmation_method": "automatic",
        "created": account.now(),
        "currency": currency,
        "customer": None,
        "description": description,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card", "us_bank_account"],
        "receipt_email": None,
        "status": "requires_payment_method",
    }
    account.store.insert(intent)
    accounts.emit(account, "payment_intent.created", intent)
    return intent


def charge(account: Account, intent: Document, card: Card, payer: Payer) -> Document:
    """Begin to charge `card` for a PaymentIntent: the charge is `pending` until `succeed` or `fail`."""
    made: Document = {
        "id": account.store.name("ch" if card.brand else "py"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {
            "address": {
                "city": None,
                "country": "US",
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "email": payer.email,
            "name": payer.name,
            "phone": None,
        },
        "captured": False,
        "created": account.now(),
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": f"pm_{account.store.digest(intent['id'] + card.name)}",
        "payment_method_details": card.details(),
        "receipt_email": None,
        "receipt_url": None,
        "refunded": False,
        "status": "pending",
    }
    account.store.insert(made, {"card": card.name})
    intent |= {
        "status": "processing",
        "latest_charge": made["id"],
        "payment_method": made["payment_method"],
        "last_payment_error": None,
    }
    account.store.save(intent)
    return made


def succeed(account: Account, intent: Document, made: Document, *, received: int) -> None:
    """Let a pending charge bring in `received` minor units, at most its amount."""
    is_card = made["payment_method_details"]["type"] == "card"
    made |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": received}
    made["outcome"] = {
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal" if is_card else "not_assessed",
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    made["balance_transaction"] = accounts.book(
        account, "charge" if is_card else "payment", amount=received, source=made, fee=accounts.charge_fee(received)
    )
    account.store.save(made)
    intent |= {"status": "succeeded", "amount_received": received}
    account.store.save(intent)
    accounts.emit(account, "charge.succeeded", made)
    accounts.emit(account, "payment_intent.succeeded", intent)


def fail(account: Account, intent: Document, made: Document) -> None:
    """Let a pending charge fail; the PaymentIntent can be tried again."""
    is_card = made["payment_method_details"]["type"] == "card"
    code, message = ("card_declined", DECLINED) if is_card else ("payment_intent_payment_attempt_failed", DEBIT_FAILED)
    made |= {"status": "failed", "failure_code": code, "failure_message": message}
    made["outcome"] = {
        "network_status": "declined_by_network",
        "reason": "generic_decline",
        "risk_level": "normal",
        "seller_message": message,
        "type": "issuer_declined",
    }
    account.store.save(made)
    problem: Document = {"charge": made["id"], "code": code, "message": message, "type": "card_error"}
    if is_card:
        problem["decline_code"] = "generic_decline"
    intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": problem}
    account.store.save(intent)
    accounts.emit(account, "charge.failed", made)
    accounts.emit(account, "payment_intent.payment_failed", intent)
