"""Disputes: raised by control, answered through the API."""

from typing import Any, Final

from panel.sandbox.payments import account as accounts
from panel.sandbox.payments import errors, parameters, warning
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.store import Document

KIND: Final = "dispute"
FEE: Final = 1500  # minor units, never given back
FORMAL: Final = frozenset({"needs_response", "under_review", "appeal_needs_response", "appeal_under_review"})
"""Statuses in which the charge can't be refunded."""

_INQUIRY: Final = frozenset({"warning_needs_response", "warning_under_review"})
_CLOSED: Final = frozenset({"won", "lost", "warning_closed", "prevented"})
_ANSWERABLE: Final = {
    "needs_response": "under_review",
    "warning_needs_response": "warning_under_review",
    "appeal_needs_response": "appeal_under_review",
}
_DAYS_TO_ANSWER: Final = 7
_LONGEST_EVIDENCE: Final = 150_000
_LARGEST_FILES: Final = 4_500_000


def open_on(account: Account, charge: Document, *, amount: int | None, reason: str, status: str) -> Document:
    """Dispute a charge for `amount` minor units (all of it if None), in any status. Raises StripeError."""
    amount = charge["amount_captured"] if amount is None else amount
    if charge["status"] != "succeeded" or amount < 1:
        raise StripeError("Only a charge that succeeded can be disputed, for an amount above 0.", param="amount")
    dispute: Document = {
        "id": account.store.name("du"),
        "object": KIND,
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": account.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys((*parameters.EVIDENCE_TEXTS, *parameters.EVIDENCE_FILES)),
        "evidence_details": {
            "due_by": account.now() + _DAYS_TO_ANSWER * 86400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": status in _INQUIRY,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
        },
        "reason": reason,
        "status": status,
    }
    account.store.insert(dispute)
    charge["disputed"] = True
    account.store.save(charge)
    taken = status in FORMAL or status == "lost"
    if taken:
        _withdraw(account, dispute)
    account.store.save(dispute)
    accounts.emit(account, "charge.dispute.created", dispute)
    if taken:
        accounts.emit(account, "charge.dispute.funds_withdrawn", dispute)
    if status in _CLOSED:
        accounts.emit(account, "charge.dispute.closed", dispute)
    warning.follow(account, charge)
    return dispute


def move(account: Account, dispute: Document, status: str) -> None:
    """Give a dispute any status, also backwards and also one that Stripe has not thought of yet.

    The money goes out when it becomes formal or lost, and comes back when it is won.
    """
    before = {"status": dispute["status"]}
    dispute |= {"status": status, "is_charge_refundable": status in _INQUIRY}
    out = sum(moved["amount"] for moved in dispute["balance_transactions"]) < 0
    funds = None
    if status == "won" and out:
        _reinstate(account, dispute)
        funds = "charge.dispute.funds_reinstated"
    elif (status in FORMAL or status == "lost") and not out:
        _withdraw(account, dispute)
        funds = "charge.dispute.funds_withdrawn"
    account.store.save(dispute)
    if funds is not None:
        accounts.emit(account, funds, dispute)
    if status in _CLOSED and before["status"] not in _CLOSED:
        accounts.emit(account, "charge.dispute.closed", dispute)
    else:
        accounts.emit(account, "charge.dispute.updated", dispute, before)


def update(account: Account, number: str, given: dict[str, Any]) -> Document:
    """Stage evidence, and submit it unless `submit` is false. `given` is as DISPUTE_UPDATE reads it.

    Raises StripeError.
    """
    dispute = _found(account, number)
    if "evidence" not in given and not given.get("submit"):
        return dispute
    details = dispute["evidence_details"]
    if dispute["status"] not in _ANSWERABLE or account.now() > details["due_by"]:
        raise StripeError(f"Evidence can't be submitted for dispute {number}: it is submitted, past due or closed.")
    dispute["evidence"] |= {name: value or None for name, value in given.get("evidence", {}).items()}
    _check_evidence(account, dispute["evidence"])
    details["has_evidence"] = any(dispute["evidence"].values())
    before = {"status": dispute["status"]}
    if given.get("submit", True):
        details["submission_count"] += 1
        dispute["status"] = _ANSWERABLE[dispute["status"]]
    account.store.save(dispute)
    accounts.emit(account, "charge.dispute.updated", dispute, before)
    return dispute


def close(account: Account, number: str) -> Document:
    """Accept a dispute as lost. Raises StripeError."""
    dispute = _found(account, number)
    if dispute["status"] in _CLOSED:
        raise StripeError("This dispute is already closed.")
    move(account, dispute, "warning_closed" if dispute["status"] in _INQUIRY else "lost")
    return dispute


def end_inquiries(account: Account, charge: Document) -> None:
    """Close the inquiries about a charge that has just been refunded in full."""
    for dispute in account.store.where(KIND, "charge", charge["id"]):
        if dispute["status"] in _INQUIRY:
            move(account, dispute, "warning_closed")


def past_due(account: Account, dispute: Document) -> Document:
    """Return the dispute as it stands at this moment of the clock."""
    details = dispute["evidence_details"]
    details["past_due"] = account.now() > details["due_by"] and not details["submission_count"]
    return dispute


def _found(account: Account, number: str) -> Document:
    dispute = account.store.find(KIND, number)
    if dispute is None:
        raise errors.missing(KIND, number, param="dispute")
    return dispute


def _withdraw(account: Account, dispute: Document) -> None:
    _book(account, dispute, -dispute["amount"], fee=FEE, category="dispute")


def _reinstate(account: Account, dispute: Document) -> None:
    _book(account, dispute, dispute["amount"], fee=0, category="dispute_reversal")


def _book(account: Account, dispute: Document, amount: int, *, fee: int, category: str) -> None:
    number = accounts.book(account, "adjustment", amount=amount, source=dispute, fee=fee, category=category)
    dispute["balance_transactions"].append(account.store.get(number))


def _check_evidence(account: Account, evidence: Document) -> None:
    texts = [evidence[name] or "" for name in parameters.EVIDENCE_TEXTS]
    if sum(map(len, texts)) > _LONGEST_EVIDENCE:
        raise StripeError(
            f"The combined character count of all evidence fields is limited to {_LONGEST_EVIDENCE:,}.",
            param="evidence",
        )
    size = 0
    for name in parameters.EVIDENCE_FILES:
        if (number := evidence[name]) is None:
            continue
        file = account.store.find("file", number)
        if file is None or file["purpose"] != "dispute_evidence":
            raise errors.missing("file upload", number, param=f"evidence[{name}]")
        size += file["size"]
    if size > _LARGEST_FILES:
        raise StripeError("The combined size of all evidence files is limited to 4.5 MB.", param="evidence")
