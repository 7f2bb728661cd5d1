"""Reconciliation: what the gateways' books say, compared with ours; the difference is repaired or listed for staff."""

from billing.reconciliation.discrepancies import Found
from billing.reconciliation.progress import Sum
from billing.reconciliation.running import LOOK_BACK, Report, reconcile, reconcile_all

__all__ = ["LOOK_BACK", "Found", "Report", "Sum", "reconcile", "reconcile_all"]
