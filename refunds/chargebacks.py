"""Chargebacks: what the gateway says of a dispute is recorded, and the account is dealt with as the policy says.

Webhook, poller and staff all end in `take_in`. Books, account, orders and withdrawals change in one transaction, so a
process that dies leaves either all of it or nothing. The policy is the one that the customer saw when he paid.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from billing import deposit_lookup, disputes, gateways, holding, ledger, stopping
from billing.gateways.base import DisputeReport
from billing.models import Deposit, Dispute, Standing
from billing.models.dispute import FORMAL
from billing.withdrawal_moves import Moves
from orders.models import Order
from panel.accounts.models import SuspensionCause, User
from panel.kernel import money
from panel.kernel.errors import Busy
from panel.locking import busy_when_locked
from panel.notifications import suspending
from refunds import banning, halting, prior_contact, publishing
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
    _shut_first(report, deposit, rules, at)
    with busy_when_locked(), transaction.atomic(durable=True):
        dispute = disputes.lock(report, deposit, seen=seen, at=at)
        customer = suspending.locked(dispute.customer_id)
        step = _Step.of(dispute, report, rules)
        opening = _Opening.load(dispute, customer, suspends=step.shuts, at=at)
        if step.begins or step.shuts:
            opening.carry_out(at)
        disputes.record(dispute, report, terms, at=at)
        if not seen:
            dispute.contacted, dispute.contact_note = contact is not None, (contact or _NO_CONTACT)[:300]
        _apply(step, dispute, customer, rules, at)
    log.info("dispute_taken_in", dispute=dispute.pk, standing=dispute.standing, deposit=deposit.pk)
    return dispute


def policy_of(deposit: Deposit) -> PolicyVersion:
    """Return the policy that counts for a payment: the one shown when it was made, or else in force at the time.

    What once counted for a dispute of it counts for good.
    """
    recorded = Dispute.objects.filter(deposit=deposit, policy_version__isnull=False).order_by("pk")
    number = deposit.policy_version or recorded.values_list("policy_version", flat=True).first()
    if number is not None:
        return publishing.version(number)
    group = User.objects.values_list("customer_group_id", flat=True).get(pk=deposit.customer_id)
    try:
        return publishing.version_in_force(deposit.paid_at or deposit.created_at, group)
    except publishing.NoPolicyInForce:  # paid before there was one: money must not wait for a policy
        earliest: PolicyVersion = PolicyVersion.objects.order_by("effective_from", "pk")[0]
        return earliest


def _deposit_of(report: DisputeReport, gateway: str, at: datetime) -> Deposit:
    deposit = deposit_lookup.by_payment(report.payment_reference, gateway=gateway, at=at)
    if deposit is None:
        message = f"{report.reference} disputes no deposit of this panel."
        raise disputes.NotKnown(message)
    return deposit


@dataclass(frozen=True, slots=True)
class _Step:
    """What a report means for the account, decided before anything is changed.

    Attributes:
        begins: whether the account is dealt with as for a dispute that opens.
        ends: whether what was done is undone.
        is_news: whether the standing is another one than before; what a loss leads to happens once.
        suspends, bans: whether the dispute keeps the account suspended, or closed, from now on.
        shuts: whether it does so and did not before.
    """

    begins: bool
    ends: bool
    is_news: bool
    suspends: bool
    bans: bool
    shuts: bool

    @classmethod
    def of(cls, dispute: Dispute | None, report: DisputeReport, rules: Chargebacks) -> "_Step":
        standing = Standing(report.standing.value)
        before = (dispute.suspends, dispute.bans) if dispute else (False, False)
        acted = dispute is not None and dispute.acted_at is not None
        is_news = dispute is None or dispute.version == 0 or dispute.standing != standing
        begins = standing in {*FORMAL, Standing.LOST} and not acted
        ends = (standing == Standing.WON or (standing == Standing.CLOSED and not report.withdrawn)) and acted
        suspends = rules.on_open is OnOpen.SUSPEND if begins else before[0]
        bans = before[1]
        if standing is Standing.LOST and is_news:
            bans = bans or rules.on_loss is OnLoss.BAN
            suspends = suspends and rules.on_loss is not OnLoss.NOTHING
        if ends and rules.on_win is OnWin.LIFT:
            suspends = bans = False
        shuts = (suspends or bans) and (begins or before < (suspends, bans))
        return cls(begins, ends, is_news, suspends, bans, shuts)


def _shut_first(report: DisputeReport, deposit: Deposit, rules: Chargebacks, at: datetime) -> None:
    """Suspend the account before the rest, where it will be suspended: who orders without a pause can't keep it open.

    The accounts' lock is what placing and withdrawing take before they look at the suspension. Should the process die
    before the rest, the next report goes on, or, if nothing holds the account any more, opens it again.
    """
    known = Dispute.objects.filter(gateway=deposit.gateway, reference=report.reference).first()
    if not _Step.of(known, report, rules).shuts:
        return
    with busy_when_locked(), transaction.atomic(durable=True):
        customer = suspending.locked(deposit.customer_id)
        if customer.is_suspended:
            return
        ledger.lock_wallets([customer.pk])
        reason = holding.disputed_reason(money.display(deposit.amount, settings.PANEL_CURRENCY))
        suspending.suspend_locked(customer, reason=reason, cause=SuspensionCause.DISPUTE, at=at)


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
        elif stopping.waits(self.dispute.customer_id, deposit_id=one):
            raise Busy("A withdrawal to this payment was opened at this very moment; it is tried again a moment later.")


def _apply(step: _Step, dispute: Dispute, customer: User, rules: Chargebacks, at: datetime) -> None:
    """Do to the account what the step says; what staff suspended, or opened since, stays so."""
    banned_before, dispute.suspends, dispute.bans = dispute.bans, step.suspends, step.bans
    if step.begins:
        dispute.acted_at = at
    elif step.ends:
        dispute.acted_at = None
    dispute.attention = dispute.attention or _to_decide(dispute, rules)
    dispute.save(update_fields=["acted_at", "suspends", "bans", "contacted", "contact_note", "attention"])
    if step.shuts and not customer.is_suspended:
        cause, reason = holding.why(customer) or (SuspensionCause.DISPUTE, "")
        suspending.suspend_locked(customer, reason=reason, cause=cause, at=at)
    if holding.settle(customer, at=at):
        disputes.note(dispute, "The account is open again.", at=at)
    elif step.shuts and step.begins:
        disputes.note(dispute, "The account is suspended.", at=at)
    if step.bans and not banned_before:
        disputes.note(dispute, "The account is closed, as the policy says for a lost dispute.", at=at)
        banning.ban(dispute, customer, at=at)
    elif banned_before and not step.bans:
        banning.lift(dispute, at=at)


def _to_decide(dispute: Dispute, rules: Chargebacks) -> str:
    """Say what the policy leaves to staff about the account: until they do, it stays as it is."""
    if dispute.bans and dispute.standing == Standing.LOST:
        return ""
    if dispute.standing == Standing.LOST and dispute.suspends and rules.on_loss is OnLoss.STAFF_DECIDES:
        return "It was lost: decide whether the account is closed or opened again."
    if dispute.standing == Standing.CLOSED and dispute.withdrawn and (dispute.suspends or dispute.bans):
        return "It was closed and the bank kept the money: decide whether the account is opened again."
    if dispute.standing in {Standing.WON, Standing.CLOSED} and (dispute.suspends or dispute.bans):
        return "It did not end in a loss: decide whether the account is opened again."
    return ""
