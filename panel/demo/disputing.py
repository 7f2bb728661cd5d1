"""The demo's dispute: the second customer's bank asks for a payment back that had paid for orders.

It is left open, with the pack of evidence that staff asked for, so that whoever looks can win or lose it at the
payments sandbox's control.
"""

from datetime import datetime

from billing import tracing
from billing.models import Deposit, DepositState, Dispute, GatewaySlug
from panel.demo.paying_out import Stage
from refunds import chargebacks
from refunds.evidence import preparing, staging


def load(stage: Stage, *, now: datetime) -> None:
    """Open the dispute unless there is one already. Raises NoTill, and what chargebacks.refresh raises."""
    ben = stage.users["second_customer"]
    paid = Deposit.objects.filter(customer=ben, gateway=GatewaySlug.STRIPE, state=DepositState.PAID)
    if Dispute.objects.filter(customer=ben).exists() or not paid.exists():
        return
    deposit = max(paid, key=lambda one: (len(tracing.orders_of_deposit(one.pk, customer_id=ben.pk)), one.pk))
    with stage.till.hushed():
        reference = stage.till.dispute(deposit.payment_reference or "")
        dispute = chargebacks.refresh(reference, gateway=deposit.gateway, at=now)
        # He had written about an order before, so the policy leaves it to staff whether to contest.
        evidence = preparing.assemble(dispute_id=dispute.pk, staff=stage.users["staff"], at=now)
        staging.stage(evidence_id=evidence.pk, staff=stage.users["staff"], at=now)
