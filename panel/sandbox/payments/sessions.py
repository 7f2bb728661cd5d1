"""Checkout Sessions: opened by the API, paid on the checkout page or by control."""

from typing import Any, Final

from panel.sandbox.payments import account as accounts
from panel.sandbox.payments import charging, errors
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.cards import Card, Paying
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.store import Document

KIND: Final = "checkout.session"
EXPIRES: Final = "session expires"
DEBIT_ARRIVES: Final = "debit arrives"
DEBIT_FAILS: Final = "debit fails"

_LEAST_AMOUNT: Final = 50
_MOST_AMOUNT: Final = 99_999_999
_SHORTEST: Final = 30 * 60
_LONGEST: Final = 24 * 3600
_PLACEHOLDER: Final = "{CHECKOUT_SESSION_ID}"


def create(account: Account, given: dict[str, Any]) -> Document:
    """Open a session. `given` is as parameters.SESSION_CREATE reads it. Raises StripeError."""
    if given["mode"] != "payment":
        raise StripeError("The sandbox takes only the mode `payment`.", param="mode")
    currency, total = _total(given["line_items"])
    now = account.now()
    expires = given.get("expires_at", now + _LONGEST)
    if not _SHORTEST - 60 <= expires - now <= _LONGEST:  # a minute's grace, as the request travels
        raise StripeError(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    number = account.store.name("cs_test")
    session: Document = {
        "id": number,
        "object": KIND,
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "customer": None,
        "customer_details": None,
        "customer_email": given.get("customer_email"),
        "expires_at": expires,
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card", "us_bank_account"],
        "payment_status": "unpaid",
        "status": "open",
        "success_url": given["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{account.origin}/checkout/{number}",
    }
    data = given.get("payment_intent_data", {})
    items = [
        {"name": item["price_data"]["product_data"]["name"], "quantity": item["quantity"]}
        for item in given["line_items"]
    ]
    own = {"metadata": data.get("metadata", {}), "description": data.get("description"), "items": items}
    account.store.insert(session, own)
    account.store.plan(number, EXPIRES, at=expires)
    return session


def _total(items: list[dict[str, Any]]) -> tuple[str, int]:
    """Return the currency of the line items and their sum in minor units. Raises StripeError."""
    currencies = {str(item["price_data"]["currency"]).lower() for item in items}
    if len(currencies) != 1:
        raise StripeError("All line items must have the same currency, and there must be one.", param="line_items")
    (currency,) = currencies
    total = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in items)
    if total < _LEAST_AMOUNT:
        raise StripeError(
            f"The Checkout Session's total amount due must add up to at least {_LEAST_AMOUNT} cents of {currency}.",
            code="amount_too_small",
            param="line_items",
        )
    if total > _MOST_AMOUNT:
        raise StripeError(
            f"The Checkout Session's total amount must be no more than {_MOST_AMOUNT} cents of {currency}.",
            code="amount_too_large",
            param="line_items",
        )
    return currency, total


def expire(account: Account, number: str) -> Document:
    """Expire an open session, and cancel what was begun to pay it. Raises StripeError."""
    session = _open(account, number, "expired")
    store = account.store
    session |= {"status": "expired", "url": None}
    store.save(session)
    store.forget_plan(number, EXPIRES)
    if session["payment_intent"] is not None:
        intent = store.get(session["payment_intent"])
        intent |= {"status": "canceled", "canceled_at": account.now(), "cancellation_reason": "automatic"}
        store.save(intent)
        accounts.emit(account, "payment_intent.canceled", intent)
    accounts.emit(account, "checkout.session.expired", session)
    return session


def pay(
    account: Account, number: str, card: Card, *, outcome: Paying | None = None, received: int | None = None
) -> bool:
    """Pay an open session with a card, which behaves as it does unless `outcome` says otherwise.

    `received` is what comes in, in minor units, if not all. Returns whether the session is complete; a declined one
    stays open. Raises StripeError.
    """
    session = _open(account, number, "paid")
    store = account.store
    intent = _intent(account, session)
    payer = charging.Payer(email=session["customer_email"])
    made = charging.charge(account, intent, card, payer)
    outcome = outcome or card.paying
    if outcome is Paying.DECLINES:
        charging.fail(account, intent, made)
        return False
    if outcome is Paying.PAYS:
        charging.succeed(account, intent, made, received=intent["amount"] if received is None else received)
    else:
        what = DEBIT_ARRIVES if outcome is Paying.PAYS_LATER else DEBIT_FAILS
        store.plan(number, what, at=store.now() + account.late_seconds)
    session |= {
        "status": "complete",
        "payment_status": "paid" if outcome is Paying.PAYS else "unpaid",
        "url": None,
        "customer_details": {"email": payer.email, "name": None, "phone": None, "tax_exempt": "none"},
    }
    store.save(session)
    store.forget_plan(number, EXPIRES)
    accounts.emit(account, "checkout.session.completed", session)
    return True


def debit_arrived(account: Account, number: str) -> None:
    """Let the money of a complete but unpaid session come in."""
    session = account.store.get(number)
    intent = account.store.get(session["payment_intent"])
    charging.succeed(account, intent, account.store.get(intent["latest_charge"]), received=intent["amount"])
    session["payment_status"] = "paid"
    account.store.save(session)
    accounts.emit(account, "checkout.session.async_payment_succeeded", session)


def debit_failed(account: Account, number: str) -> None:
    """Let the money of a complete but unpaid session not come in."""
    session = account.store.get(number)
    intent = account.store.get(session["payment_intent"])
    charging.fail(account, intent, account.store.get(intent["latest_charge"]))
    accounts.emit(account, "checkout.session.async_payment_failed", session)


def success_address(session: Document) -> str:
    """Return where the customer goes once the session is complete."""
    return str(session["success_url"]).replace(_PLACEHOLDER, str(session["id"]))


def _open(account: Account, number: str, done: str) -> Document:
    session = account.store.find(KIND, number)
    if session is None:
        raise errors.missing("checkout.session", number, param="session")
    if session["status"] != "open":
        raise StripeError(
            f'Only Checkout Sessions with a status in ["open"] can be {done}. This Checkout Session has a status of'
            f" {session['status']}.",
            param="session",
        )
    return session


def _intent(account: Account, session: Document) -> Document:
    """Return the session's PaymentIntent; as with Stripe, the first attempt to pay makes it."""
    if session["payment_intent"] is not None:
        return account.store.get(session["payment_intent"])
    own = account.store.own(session["id"])
    intent = charging.open_intent(
        account,
        amount=session["amount_total"],
        currency=session["currency"],
        metadata=own["metadata"],
        description=own["description"],
    )
    session["payment_intent"] = intent["id"]
    account.store.save(session)
    return intent
