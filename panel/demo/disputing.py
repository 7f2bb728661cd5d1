"""The demo's dispute and its fraud warning.

The second customer's bank asks for a payment back that had paid for orders. It is left open, with the pack of evidence
that staff asked for, so that whoever looks can win or lose it at the payments sandbox's control. The first customer's
card issuer warns of a payment, and by the policy staff decide what to do.
"""

from datetime import datetime

from billing import tracing
from billing.models import Deposit, DepositState, Dispute, FraudWarning, GatewaySlug
from panel.demo import paying_in
from panel.demo.paying_out import Stage
from refunds import chargebacks, fraud_warnings
from refunds.evidence import preparing, staging


def load(stage: Stage, *, now: datetime) -> None:
    """Open the dispute and the case unless they are there. Raises NoTill, and what taking them in raises."""
    _dispute(stage, now)
    _warn(stage, now)


def _warn(stage: Stage, now: datetime) -> None:
    ada = stage.users["customer"]
    if FraudWarning.objects.filter(customer=ada).exists() or not paying_in.is_paid("ada-once"):
        return
    deposit = paying_in.paid("ada-once")
    with stage.till.hushed():
        fraud_warnings.refresh(stage.till.warn(deposit.payment_reference or ""), gateway=deposit.gateway, at=now)


def _dispute(stage: Stage, now: datetime) -> None:
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
