"""Early fraud warnings: raised by control, read through the API, not actionable once refunded in full or disputed."""

from typing import Final

from panel.sandbox.payments import account as accounts
from panel.sandbox.payments.account import Account
from panel.sandbox.payments.store import Document

KIND: Final = "radar.early_fraud_warning"


def warn(account: Account, charge: Document, *, fraud_type: str) -> Document:
    """Raise an early fraud warning about a charge."""
    warning: Document = {
        "id": account.store.name("issfr"),
        "object": KIND,
        "actionable": _is_actionable(charge),
        "charge": charge["id"],
        "created": account.now(),
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    account.store.insert(warning)
    accounts.emit(account, f"{KIND}.created", warning)
    return warning


def follow(account: Account, charge: Document) -> None:
    """Say of a charge's warnings that nothing can be done about them any more, if that is so now."""
    if _is_actionable(charge):
        return
    for warning in account.store.where(KIND, "charge", charge["id"]):
        if warning["actionable"]:
            warning["actionable"] = False
            account.store.save(warning)
            accounts.emit(account, f"{KIND}.updated", warning, {"actionable": True})


def _is_actionable(charge: Document) -> bool:
    return not charge["refunded"] and not charge["disputed"]
