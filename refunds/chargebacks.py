"""Chargebacks: what the gateway says of a dispute is recorded, and the account is dealt with as the policy says.

Webhook, poller and staff all end in `take_in`. Books, account, orders and withdrawals change in one transaction, so a
process that dies leaves either all of it or nothing. The policy is the one that the customer saw when he paid.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from billing import deposit_lookup, disputes, gateways, stopping
from billing.gateways.base import DisputeReport
from billing.models import Deposit, Dispute, Standing
from billing.models.dispute import FORMAL
from billing.withdrawal_moves import Moves
from orders.models import Order
from panel.accounts.models import SuspensionCause, User
from panel.kernel import money
from panel.locking import busy_when_locked
from panel.notifications import suspending
from refunds import banning, halting, prior_contact, publishing, warning_holds
from refunds.models import PolicyVersion
from refunds.policy.document import Chargebacks, Fee, OnLoss, OnOpen, OnWin

log = structlog.get_logger()

_NO_CONTACT = "Nothing was written to us about the payment or its orders before."
_NOTE = "The account is suspended because a payment is disputed."


def refresh(reference: str, *, gateway: str, at: datetime) -> Dispute:
    """Read a dispute anew at the gateway, because it may have moved, and take it in.

    Raises disputes.NotKnown, Busy, GatewayError.
    """
    seen = disputes.version_of(reference, gateway=gateway)
    report = gateways.get(gateway).fetch_dispute(reference)
    return take_in(report, gateway=gateway, seen=seen, at=at)


def take_in(report: DisputeReport, *, gateway: str, seen: int, at: datetime) -> Dispute:
    """Record a report and let it have its consequences; the same report again changes nothing.

    `seen` is disputes.version_of from before the report was asked for. Raises disputes.NotKnown, Busy.
    """
    deposit = _deposit_of(report, gateway, at)
    version = policy_of(deposit)
    rules = version.policy.chargebacks
    # What was written before the dispute was opened is looked up once: it does not change, and is a long read.
    contact = None if seen else prior_contact.of(deposit, before=report.opened_at)
    terms = disputes.Terms(policy_version=version.pk, passes_fee_on=rules.fee is Fee.AS_CHARGED)
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute = disputes.lock(report, deposit, seen=seen, at=at)
        customer = suspending.locked(dispute.customer_id)
        standing = Standing(report.standing.value)
        begins = standing in {*FORMAL, Standing.LOST} and dispute.acted_at is None
        is_news = dispute.version == 0 or dispute.standing != standing
        kept_before = (dispute.suspends, dispute.bans)
        opening = _Opening.load(dispute, customer, suspends=begins and rules.on_open is OnOpen.SUSPEND, at=at)
        if begins:
            opening.carry_out(at)
        disputes.record(dispute, report, terms, at=at)
        if not seen:
            dispute.contacted, dispute.contact_note = contact is not None, (contact or _NO_CONTACT)[:300]
        if begins:
            _begin(dispute, rules, at)
        if standing is Standing.LOST and is_news:  # once: staff may have opened the account again since
            _lose(dispute, customer, rules, at)
        elif standing in {Standing.WON, Standing.CLOSED} and dispute.acted_at is not None:
            _end(dispute, rules, at)
        _settle_account(dispute, customer, has_begun=kept_before < (dispute.suspends, dispute.bans), at=at)
    log.info("dispute_taken_in", dispute=dispute.pk, standing=dispute.standing, deposit=deposit.pk)
    return dispute


def policy_of(deposit: Deposit) -> PolicyVersion:
    """Return the policy that counts for a payment: the one shown when it was made, or else in force at the time."""
    if deposit.policy_version is not None:
        return publishing.version(deposit.policy_version)
    group = User.objects.values_list("customer_group_id", flat=True).get(pk=deposit.customer_id)
    return publishing.version_in_force(deposit.paid_at or deposit.created_at, group)


def _deposit_of(report: DisputeReport, gateway: str, at: datetime) -> Deposit:
    deposit = deposit_lookup.by_payment(report.payment_reference, gateway=gateway, at=at)
    if deposit is None:
        message = f"{report.reference} disputes no deposit of this panel."
        raise disputes.NotKnown(message)
    return deposit


@dataclass(slots=True)
class _Opening:
    """What is stopped when a dispute opens, locked in the order of the house: withdrawals, orders, deposits."""

    dispute: Dispute
    suspends: bool
    withdrawals: Moves
    orders: list[Order]

    @classmethod
    def load(cls, dispute: Dispute, customer: User, *, suspends: bool, at: datetime) -> "_Opening":
        """Lock what waits: everything of the customer if he is suspended, else what goes back to this deposit."""
        one = None if suspends else dispute.deposit_id
        withdrawals = stopping.load(customer_id=customer.pk, deposit_id=one, at=at)
        orders = halting.pending_orders(customer.pk) if suspends else []
        touched = stopping.deposits_of(withdrawals) | {dispute.deposit_id}
        list(Deposit.objects.locked().filter(pk__in=touched).values_list("pk"))
        return cls(dispute, suspends, withdrawals, orders)

    def carry_out(self, at: datetime) -> None:
        """Stop withdrawals and cancel pending orders; their money is on the balance before the dispute takes it."""
        one = None if self.suspends else self.dispute.deposit_id
        stopping.stop(self.withdrawals, deposit_id=one, note=f"Dispute {self.dispute.reference}")
        if self.suspends:
            halting.cancel(self.orders, note=_NOTE, at=at)
            halting.require_nothing_new(self.dispute.customer_id)


def _begin(dispute: Dispute, rules: Chargebacks, at: datetime) -> None:
    dispute.acted_at = at
    dispute.suspends = rules.on_open is OnOpen.SUSPEND


def _lose(dispute: Dispute, customer: User, rules: Chargebacks, at: datetime) -> None:
    if rules.on_loss is OnLoss.BAN and not dispute.bans:
        dispute.bans = True
        disputes.note(dispute, "The account is closed, as the policy says for a lost dispute.", at=at)
        banning.ban(dispute, customer, at=at)
    elif rules.on_loss is OnLoss.NOTHING:
        dispute.suspends = False


def _end(dispute: Dispute, rules: Chargebacks, at: datetime) -> None:
    """Undo what was done, once: a dispute that opens again begins anew."""
    dispute.acted_at = None
    if rules.on_win is OnWin.LIFT:
        dispute.suspends = dispute.bans = False
        banning.lift(dispute, at=at)
    elif dispute.suspends or dispute.bans:
        dispute.attention = "It did not end in a loss: decide whether the account is opened again."


def _settle_account(dispute: Dispute, customer: User, *, has_begun: bool, at: datetime) -> None:
    """Bring the suspension to what the customer's disputes say; what staff suspended or opened since stays so.

    `has_begun` is whether the dispute keeps the account suspended, or closed, from now on and did not before.
    """
    dispute.save(update_fields=["acted_at", "suspends", "bans", "contacted", "contact_note", "attention"])
    if not Dispute.suspending().filter(customer=customer).exists():
        if customer.suspension_cause == SuspensionCause.DISPUTE:
            if warning_holds.take_over(customer, at=at):
                disputes.note(dispute, "The account stays suspended because of a fraud warning.", at=at)
                return
            suspending.lift_locked(customer, at=at)
            disputes.note(dispute, "The account is open again.", at=at)
        return
    reason = _reason(dispute)
    is_ours = customer.suspension_cause in {SuspensionCause.DISPUTE, SuspensionCause.FRAUD_WARNING}
    if not (dispute.suspends or dispute.bans) or (customer.is_suspended and not is_ours):
        return
    if not customer.is_suspended and not has_begun:
        return
    if customer.suspension_reason != reason:
        was_suspended = customer.is_suspended
        suspending.suspend_locked(customer, reason=reason, cause=SuspensionCause.DISPUTE, at=at)
        if not was_suspended:
            disputes.note(dispute, "The account is suspended.", at=at)


def _reason(dispute: Dispute) -> str:
    paid = money.display(dispute.deposit.amount, settings.PANEL_CURRENCY)
    if dispute.bans:
        return f"Your payment of {paid} was disputed at your bank and the dispute was lost, so this account is closed."
    return f"Your payment of {paid} is disputed at your bank."
