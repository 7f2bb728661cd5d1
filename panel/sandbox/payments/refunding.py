"""Refunds: created by the API or by hand, and moved on by time or by control."""

from typing import Any, Final

from panel.sandbox.payments import account as accounts
from panel.sandbox.payments import disputing, errors, warning
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.cards import CARDS, Refunding
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.store import Document

KIND: Final = "refund"
FAILS: Final = "refund fails"
CLOSED_CARD: Final = "expired_or_canceled_card"
SUCCEEDED: Final = "succeeded"
PENDING: Final = "pending"
_NOT_REFUNDED: Final = frozenset({"failed", "canceled"})  # any other status, known or not, counts as refunded
_SHORT: Final = "insufficient_funds"


def create(account: Account, given: dict[str, Any]) -> Document:
    """Refund a charge, or what is left of it. `given` is as parameters.REFUND_CREATE reads it. Raises StripeError."""
    store = account.store
    charge = _charge(account, given)
    amount = _amount(account, charge, given.get("amount"))
    is_card = charge["payment_method_details"]["type"] == "card"
    card = CARDS[store.own(charge["id"])["card"]]
    status, reason = SUCCEEDED, None
    if store.balance(charge["currency"]) < amount:
        if not is_card:
            raise StripeError(
                "Insufficient funds in your Stripe balance to refund this amount.", code="balance_insufficient"
            )
        status, reason = PENDING, _SHORT
    elif card.refunding is Refunding.STAYS_PENDING or account.refunds_stay_pending:
        status, reason = PENDING, "processing"
    refund: Document = {
        "id": store.name("re" if is_card else "pyr"),
        "object": KIND,
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": account.now(),
        "currency": charge["currency"],
        "destination_details": _destination("card" if is_card else "us_bank_transfer"),
        "metadata": given.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": reason,
        "reason": given.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    _send(account, refund)
    store.insert(refund)
    if card.refunding is Refunding.FAILS_LATER:
        store.plan(refund["id"], FAILS, at=store.now() + account.late_seconds)
    _count(account, charge, amount)
    accounts.emit(account, "refund.created", refund)
    accounts.emit(account, "charge.refunded", charge)
    if charge["refunded"]:
        disputing.end_inquiries(account, charge)
    warning.follow(account, charge)
    return refund


def move(account: Account, refund: Document, status: str, *, failure_reason: str | None = None) -> None:
    """Give a refund any status, also late and also one that Stripe has not thought of yet.

    Failing and canceling give the money back to the balance and to the charge; leaving these takes it again. Raises
    StripeError if the charge has no room for it any more.
    """
    store = account.store
    charge = store.get(refund["charge"])
    before = {"status": refund["status"]}
    was_out, is_out = refund["status"] not in _NOT_REFUNDED, status not in _NOT_REFUNDED
    if is_out and not was_out and refund["amount"] > charge["amount_captured"] - charge["amount_refunded"]:
        raise StripeError("The charge has no room for this refund any more.")
    refund |= {"status": status, "pending_reason": "processing" if status == PENDING else None}
    store.forget_plan(refund["id"], FAILS)
    if was_out and not is_out:
        refund["failure_reason"] = failure_reason or ("unknown" if status == "failed" else None)
        if refund["balance_transaction"] is not None:
            refund["failure_balance_transaction"] = accounts.book(
                account, "refund_failure", amount=refund["amount"], source=refund
            )
        _count(account, charge, -refund["amount"])
    elif is_out and not was_out:
        refund |= {"failure_reason": None, "failure_balance_transaction": None, "balance_transaction": None}
        _count(account, charge, refund["amount"])
    if is_out:
        _send(account, refund)
    store.save(refund)
    for kind in ("refund.updated", "charge.refund.updated"):
        accounts.emit(account, kind, refund, before)
    if status == "failed":
        accounts.emit(account, "refund.failed", refund)


def fail_late(account: Account, number: str) -> None:
    """Let a refund to a closed card come back."""
    move(account, account.store.get(number), "failed", failure_reason=CLOSED_CARD)


def send_waiting(account: Account, currency: str) -> None:
    """Send the refunds that waited for money on the balance, oldest first, as far as it reaches."""
    waiting, _ = account.store.page(
        KIND,
        [("json_extract(body, '$.pending_reason') = ?", _SHORT), ("json_extract(body, '$.currency') = ?", currency)],
        limit=1000,
        after=None,
        before=None,
    )
    for refund in reversed(waiting):
        if account.store.balance(currency) < refund["amount"]:
            return
        move(account, refund, SUCCEEDED)


def _charge(account: Account, given: dict[str, Any]) -> Document:
    """Return the charge to refund. Raises StripeError."""
    if ("charge" in given) == ("payment_intent" in given):
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code=None if "charge" in given else "parameter_missing",
        )
    number = given.get("charge")
    if number is None:
        intent = account.store.find("payment_intent", given["payment_intent"])
        if intent is None:
            raise errors.missing("payment_intent", given["payment_intent"], param="payment_intent")
        number = intent["latest_charge"]
        if intent["status"] != "succeeded" or number is None:
            raise StripeError(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    charge = account.store.find("charge", number)
    if charge is None:
        raise errors.missing("charge", number, param="charge")
    if charge["status"] != "succeeded":
        raise StripeError(f"Charge {charge['id']} has not succeeded: it can't be refunded.")
    return charge


def _amount(account: Account, charge: Document, asked: int | None) -> int:
    """Return how much to refund, in minor units. Raises StripeError if the charge does not have it."""
    disputes = account.store.where(disputing.KIND, "charge", charge["id"])
    lost = sum(dispute["amount"] for dispute in disputes if dispute["status"] == "lost")
    if any(dispute["status"] in disputing.FORMAL for dispute in disputes):
        raise StripeError(
            f"Charge {charge['id']} is disputed; it can't be refunded while the dispute is open.",
            code="charge_disputed",
        )
    if charge["refunded"]:
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    left = charge["amount_captured"] - charge["amount_refunded"] - lost
    if lost and left <= 0:
        raise StripeError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    amount = left if asked is None else asked
    if amount > left:
        currency = charge["currency"]
        raise StripeError(
            f"Refund amount ({accounts.shown(amount, currency)}) is greater than unrefunded amount on charge"
            f" ({accounts.shown(left, currency)})",
            param="amount",
        )
    return amount


def _send(account: Account, refund: Document) -> None:
    """Take the refund's money from the balance, unless it waits for money; give it a reference once it succeeded."""
    if refund["balance_transaction"] is None and refund["pending_reason"] != _SHORT:
        kind = "refund" if refund["destination_details"]["type"] == "card" else "payment_refund"
        refund["balance_transaction"] = accounts.book(account, kind, amount=-refund["amount"], source=refund)
    if refund["status"] == SUCCEEDED and refund["destination_details"]["type"] == "card":
        digits = int(account.store.digest(refund["id"]), 16) % 10**16
        refund["destination_details"]["card"] |= {"reference": f"7{digits:016d}", "reference_status": "available"}


def _count(account: Account, charge: Document, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
    account.store.save(charge)


def _destination(kind: str) -> Document:
    if kind != "card":
        return {"type": kind, kind: {"reference": None, "reference_status": None}}
    reference = "acquirer_reference_number"
    return {"type": kind, kind: {"reference_status": PENDING, "reference_type": reference, "type": "refund"}}
