"""Steps of the stateful test by which money goes out, and the way to rest."""

import contextlib
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import time_machine
from django.db import models
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from billing import arrangements, deposit_checks, payouts, planning, reconciliation, withdrawals
from billing.models import (
    Arrangement,
    Deposit,
    GatewayEvent,
    LegState,
    Payout,
    PayoutKind,
    PayoutState,
    Withdrawal,
    WithdrawalState,
)
from billing.sending import calls, checking, claims, outcomes
from billing.sending.calls import Outcome
from billing.sending.claims import Claim
from billing.withdrawal_moves import WrongState
from panel import webhooks
from panel.accounts import suspension
from panel.sandbox.payments import PaymentsSandbox
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.store import OPENING_BALANCE
from refunds import balance_refunds
from tests.factories import AT
from tests.properties.money_model import OtherSide, assert_at_rest, assert_holds, balances, dollars
from tests.properties.paying_in import CARDS, CENTS, FAULTS, WHICH, PayingIn, step

# Often the same amount: two equal withdrawals must stay two.
CENTS_OUT = st.just(600) | st.sampled_from([450, 600, 1_500]) | st.integers(500, 30_000) | st.none()
FAULT = st.sampled_from([None, *FAULTS])
MOSTLY_NOT = st.sampled_from([False, False, False, True])
# Where a refund at the gateway may come from.
_MOVES_TO = {
    "succeeded": {"pending"},
    "failed": {"pending", "succeeded"},
    "canceled": {"pending"},
}
# The latest recheck of a refund that was paid is 40 days after it.
BEYOND_RECHECKS = timedelta(days=45)
A_DAY = timedelta(hours=25)
STRIDE = timedelta(hours=4)
ROUNDS = 60


class PayingOut(PayingIn):
    """Withdrawals, their sending in three separate steps, support, and what the gateway does by itself.

    `claimed` and `unrecorded` are what workers hold in memory between the steps. Losing one is a worker that was killed
    there. A claim whose lease is over is lost too: no call is begun later than that (`calls.LONGEST`).
    """

    def __init__(self, sandbox: PaymentsSandbox, clock: time_machine.Traveller) -> None:
        super().__init__(sandbox, clock)
        self.claimed: list[tuple[datetime, Claim]] = []
        self.unrecorded: list[Outcome] = []
        self.quoted: tuple[Decimal, str, UUID] | None = None
        self.webhooks_arrive = True

    @initialize(cents=CENTS, card=st.sampled_from(CARDS[:3]), out=CENTS_OUT, webhooks_arrive=st.booleans())
    def begin(self, cents: int, card: str, out: int | None, *, webhooks_arrive: bool) -> None:
        """Begin with two payments and a wish to have some of it back; and say whether webhooks arrive in the end."""
        self.webhooks_arrive = webhooks_arrive
        self.pay_in(2_000, "visa", 100)
        self.pay_in(cents, card, 100)
        self.withdraw(out, wait=True)

    # --- the customer and staff

    @step(weight=3, cents=CENTS_OUT, wait=st.booleans())
    def withdraw(self, cents: int | None, *, wait: bool) -> None:
        """Ask for an amount, or for everything; and perhaps let the time to cancel go by."""
        ours = balances(self.ada)
        most = planning.whole_units(max(ours["available"] + ours["debt"], Decimal(0)))
        amount = most if cents is None else dollars(cents)
        try:
            quote = balance_refunds.quote(customer=self.ada, amount=amount, at=self.at)
        except balance_refunds.NotAllowed:
            assert amount > most or amount < 5
            return
        assert 5 <= amount <= most
        self.quoted = (amount, quote.plan.digest, uuid4())
        self.confirm()
        if wait:
            self.wait(timedelta(hours=2))

    @step()
    def confirm(self) -> None:
        """Send the form of the last quote, which may be old, or sent before."""
        if self.quoted is None:
            return
        amount, digest, key = self.quoted
        sent_before = Withdrawal.objects.filter(key=key).first()
        try:
            opened = balance_refunds.request(customer=self.ada, amount=amount, key=key, confirmed=digest, at=self.at)
        except suspension.AccountSuspended:
            assert self.ada.is_suspended
        except (balance_refunds.NotAllowed, withdrawals.PlanChanged):
            assert sent_before is None
        else:
            assert sent_before is None or opened.pk == sent_before.pk

    @step(weight=3, which=WHICH, what=st.sampled_from(["cancel", "cancel", "cancel", "approve", "decline"]))
    def decide(self, which: int, what: str) -> None:
        """The customer cancels, or staff review."""
        states = [] if what == "cancel" else [WithdrawalState.IN_REVIEW]
        one = self.pick(list(self.withdrawals(*states).order_by("-pk")), which)
        if one is None:
            return
        try:
            if what == "cancel":
                withdrawals.cancel(withdrawal_id=one.pk, customer=self.ada, at=self.at)
            elif what == "approve":
                withdrawals.approve(withdrawal_id=one.pk, staff=self.grace, at=self.at)
            else:
                withdrawals.decline(withdrawal_id=one.pk, staff=self.grace, reason="No.", at=self.at)
        except suspension.AccountSuspended:
            assert self.ada.is_suspended
        except WrongState:
            assert what != "approve"

    @step(which=WHICH, how=st.sampled_from(["propose", "consent", "record consent", "both", "give up"]))
    def arrange(self, which: int, how: str) -> None:
        """Support and the customer agree on another way, or give it up."""
        found = Arrangement.objects.filter(leg__withdrawal__customer=self.ada, leg__state=LegState.ARRANGING)
        one = self.pick(list(found), which)
        if one is None:
            return
        if how in {"propose", "both"}:
            arrangements.propose(
                arrangement_id=one.pk, kind=PayoutKind.WALLET, destination="wallet-1", verification="Passport seen.",
                staff=self.grace, at=self.at,
            )  # fmt: skip
        if how in {"consent", "both"}:
            self.unless_too_late(
                lambda: arrangements.consent(
                    arrangement_id=one.pk, customer=self.ada, way="Wallet: wallet-1", at=self.at
                )
            )
        elif how == "record consent":
            self.unless_too_late(
                lambda: arrangements.record_consent(
                    arrangement_id=one.pk, way="Wallet: wallet-1", note="By phone.", staff=self.grace, at=self.at
                )
            )
        elif how == "give up":
            arrangements.give_up(arrangement_id=one.pk, actor=self.ada, at=self.at)

    @step(which=WHICH, fail=st.booleans())
    def carry_out_by_hand(self, which: int, *, fail: bool) -> None:
        """Staff pay out, or can't; or what they paid comes back."""
        states = [PayoutState.WAITING, *([PayoutState.CONFIRMED] if fail else [])]
        payout = self.pick(list(self.payouts().filter(state__in=states)), which)
        if payout is None:
            return
        if fail:
            payouts.fail(payout_id=payout.pk, reason="It came back.", staff=self.grace, at=self.at)
        else:
            payouts.confirm(payout_id=payout.pk, bank_reference=f"B{payout.pk}", staff=self.grace, at=self.at)

    def unless_too_late(self, act: Callable[[], object]) -> None:
        try:
            act()
        except WrongState:
            return

    def withdrawals(self, *states: WithdrawalState) -> "models.QuerySet[Withdrawal]":
        mine = Withdrawal.objects.filter(customer=self.ada).order_by("pk")
        return mine.filter(state__in=states) if states else mine

    def payouts(self) -> "models.QuerySet[Payout]":
        return Payout.objects.filter(leg__in=self.withdrawals().values("legs")).order_by("pk")

    # --- sending, in three steps with a possible crash between any two

    @step(weight=4, limit=st.integers(1, 3), call=st.booleans(), fault=FAULT, fetching=MOSTLY_NOT)
    def claim(self, limit: int, fault: str | None, *, call: bool, fetching: bool) -> None:
        """A worker claims, and perhaps calls, just when something goes wrong."""
        self.claimed += [(self.at, claim) for claim in claims.claim_due(limit=limit, at=self.at)]
        if fault and self.claimed:
            self.sandbox.fault(fault, path="/v1/refunds", method="GET" if fetching else "POST", times=1)
        while call and self.claimed:
            self.call(0)

    @step(which=WHICH)
    def call(self, which: int) -> None:
        if not self.claimed:
            return
        since, claim = self.claimed.pop(which % len(self.claimed))
        if self.at - since < claims.LEASE:
            self.unrecorded += calls.carry_out([claim])

    @step(weight=2, which=WHICH, again=st.booleans())
    def record(self, which: int, *, again: bool) -> None:
        if not self.unrecorded:
            return
        outcome = self.unrecorded.pop(which % len(self.unrecorded))
        for _ in range(2 if again else 1):
            outcomes.record([outcome], at=self.at)

    @step()
    def crash(self) -> None:
        """The workers are killed, before or after their calls."""
        self.claimed.clear()
        self.unrecorded.clear()

    @step()
    def send_what_is_due(self) -> None:
        """All three steps for everything that is due; one call after the other, so that faults hit the same ones."""
        made = [outcome for claim in claims.claim_due(limit=50, at=self.at) for outcome in calls.carry_out([claim])]
        outcomes.record(made, at=self.at)

    @step(how=st.sampled_from(["look", "reconcile", "both"]))
    def ask_about_refunds(self, how: str) -> None:
        """Staff look how withdrawals stand; the books are compared."""
        if how != "reconcile":
            for withdrawal in self.withdrawals():
                checking.check_now(withdrawal_id=withdrawal.pk, at=self.at)
        if how != "look":
            reconciliation.reconcile("stripe", since=self.at - timedelta(days=3), until=self.at, at=self.at)

    # --- the gateway by itself

    @step(which=WHICH, status=st.sampled_from(["succeeded", "failed", "failed", "canceled"]), closed=st.booleans())
    def refund_moves(self, which: int, status: str, *, closed: bool) -> None:
        """A pending refund ends, or one that succeeded comes back after all."""
        moving = [refund for refund in self.sandbox.refunds() if refund["status"] in _MOVES_TO[status]]
        refund = self.pick(moving, which)
        if refund is not None:
            reason = "expired_or_canceled_card" if closed else "unknown"
            self.sandbox.move_refund(refund["id"], status, failure_reason=reason if status == "failed" else None)

    @step(weight=2, which=WHICH, cents=st.none() | st.integers(1, 5_000))
    def refund_by_hand(self, which: int, cents: int | None) -> None:
        """Somebody refunds in the gateway's own pages, past the panel."""
        payment = self.pick(list(OtherSide.of(self.sandbox).captured), which)
        if payment is None:
            return
        with contextlib.suppress(StripeError):  # nothing is left of the payment, or nothing on the balance
            self.sandbox.refund_by_hand(payment, cents)

    @step(enough=st.booleans())
    def balance_at_gateway(self, *, enough: bool) -> None:
        self.sandbox.set_balance(OPENING_BALANCE if enough else 100)

    # --- what always holds

    @invariant()
    def no_money_is_made_or_lost(self) -> None:
        assert_holds(self.model, self.sandbox)

    # --- the way to rest

    def come_to_rest(self) -> None:
        """Heal the gateway, have people decide what waits for them, and do all work that becomes due until none is.

        Half of the time no webhook arrives any more: then the checks and the reconciliation find everything.
        """
        start = self.at
        self.sandbox.clear_faults()
        if self.ada.is_suspended:
            suspension.lift(user=self.ada)
        if not self.webhooks_arrive:
            self.clock.shift(A_DAY)  # by now the gateway has forgotten the keys of what is in doubt
        outcomes.record(self.unrecorded, at=self.at)
        self.work_until(self.at + timedelta(days=4))
        self.clock.shift(STRIDE)  # what happens now is not in the books "until now"
        reconciliation.reconcile("stripe", since=AT, until=self.at, at=self.at)
        self.clock.shift(BEYOND_RECHECKS)
        self.work_until(self.at + BEYOND_RECHECKS)
        report = reconciliation.reconcile("stripe", since=AT, until=start + timedelta(days=5), at=self.at)
        assert report.agrees, report.found
        assert report.repaired == ()

    def work_until(self, end: datetime) -> None:
        for _ in range(ROUNDS):
            self.let_people_decide()
            self.take_in_webhooks()
            deposit_checks.check_due(clock=timezone.now)
            self.send_what_is_due()
            due = self.next_due()
            if due is None or due > end:
                return
            self.clock.move_to(max(due, self.at + STRIDE))
        raise AssertionError(f"work is due again and again: since {self.next_due()}, and it is {self.at}")

    def next_due(self) -> datetime | None:
        columns = (
            self.withdrawals().filter(due_at__isnull=False).values_list("due_at", flat=True),
            Deposit.objects.filter(customer=self.ada, due_at__isnull=False).values_list("due_at", flat=True),
            GatewayEvent.objects.filter(due_at__isnull=False).values_list("due_at", flat=True),
        )
        return min((due for column in columns for due in column if due), default=None)

    def let_people_decide(self) -> None:
        self.sandbox.set_balance(OPENING_BALANCE)
        for refund in self.sandbox.refunds():
            if refund["status"] == "pending":
                self.sandbox.move_refund(refund["id"], "succeeded")
        for withdrawal in self.withdrawals(WithdrawalState.IN_REVIEW):
            withdrawals.approve(withdrawal_id=withdrawal.pk, staff=self.grace, at=self.at)
        for one in Arrangement.objects.filter(leg__withdrawal__customer=self.ada, leg__state=LegState.ARRANGING):
            arrangements.give_up(arrangement_id=one.pk, actor=self.grace, at=self.at)
        for payout in self.payouts().filter(state=PayoutState.WAITING):
            payouts.confirm(payout_id=payout.pk, bank_reference=f"B{payout.pk}", staff=self.grace, at=self.at)

    def take_in_webhooks(self) -> None:
        for event in self.sandbox.queued():
            if self.webhooks_arrive and event.type in webhooks.HANDLERS:
                assert self.sandbox.deliver(event.id) == [200]
            else:
                self.sandbox.drop(event.id)
        webhooks.handle_due()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.come_to_rest()
                assert_at_rest(self.model, self.sandbox)
        finally:
            super().teardown()
