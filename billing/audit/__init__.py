"""Recompute the ledger, the deposits and the withdrawals from their rows, and report each invariant that is broken."""

from collections.abc import Sequence

from billing.audit import deposits, disputes, fraud_warnings, withdrawals
from billing.audit.balances import CHECKS
from billing.audit.checking import Check, Finding, run

__all__ = ["CHECKS", "PAYMENT_CHECKS", "Check", "Finding", "findings", "run"]

PAYMENT_CHECKS: Sequence[Check] = (
    *deposits.CHECKS,
    *withdrawals.CHECKS,
    *disputes.CHECKS,
    *fraud_warnings.CHECKS,
)


def findings() -> list[Finding]:
    """Return the broken invariants of everything that billing keeps; empty when the books are right."""
    return [*run(CHECKS), *run(PAYMENT_CHECKS)]
