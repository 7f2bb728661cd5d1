"""What must hold of money in and out, by a model of a few lines and by the gateway's own objects.

The model knows what staff credited and what orders cost. Everything else comes from the other side: what a payment
brought in and what a refund took out is read from the sandbox's charges and refunds, never from our rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from billing.models import Account, Deposit, DepositState, GatewaySlug, LegState, Payout, PayoutState, WithdrawalLeg
from orders.models import OrderStatus
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from refunds import audit

UNIT = Decimal("0.000001")
BACK = frozenset({"failed", "canceled"})  # such a refund has given its money back to us
AT_THE_GATEWAY = frozenset({LegState.SENDING, LegState.UNKNOWN, LegState.SENT, LegState.PAID})
_READS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT")
OVER = frozenset({LegState.PAID, LegState.FAILED, LegState.CANCELED})


@dataclass
class Spent:
    """An order as the model sees it: what it cost, and what the policy gave back of it."""

    charge: Decimal
    quantity: int
    promo: Decimal
    refunded: Decimal = Decimal(0)

    @property
    def promo_back(self) -> Decimal:
        return (self.promo * self.refunded / self.charge).quantize(UNIT, ROUND_DOWN)

    def end(self, to: OrderStatus, remains: int) -> None:
        """Apply the guarantee's clauses for an end that is not reviewed: the undelivered part, at the least so far."""
        owed = Decimal(0)
        if to != OrderStatus.COMPLETED:
            owed = (self.charge * remains / self.quantity).quantize(UNIT, ROUND_DOWN)
        self.refunded = max(self.refunded, owed)


@dataclass
class Model:
    """One customer's money. `credited` and `promo` came from staff; `written`: the database, since the last audit."""

    customer: User
    credited: Decimal = Decimal(0)
    promo: Decimal = Decimal(0)
    received_by_hand: Decimal = Decimal(0)
    orders: dict[int, Spent] = field(default_factory=dict)
    written: bool = True

    def note_writing(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Wrap the execution of SQL: an audit of books that nobody wrote to since the last one would say the same."""
        self.written = self.written or not sql.startswith(_READS)
        return execute(sql, *rest)

    @property
    def promo_left(self) -> Decimal:
        return self.promo - sum((one.promo - one.promo_back for one in self.orders.values()), Decimal(0))

    @property
    def before_the_gateways(self) -> Decimal:
        """What the customer would have if nothing had passed the online gateway and nothing were paid out by hand."""
        spent = sum((one.charge - one.refunded for one in self.orders.values()), Decimal(0))
        return self.credited + self.promo + self.received_by_hand - spent


@dataclass(frozen=True)
class OtherSide:
    """The gateway's books at one moment. `captured` by PaymentIntent, amounts in dollars."""

    captured: dict[str, Decimal]
    refunds: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, sandbox: PaymentsSandbox) -> "OtherSide":
        charges = [charge for charge in sandbox.payments() if charge["status"] == "succeeded"]
        assert len({charge["payment_intent"] for charge in charges}) == len(charges)
        captured = {charge["payment_intent"]: dollars(charge["amount_captured"]) for charge in charges}
        return cls(captured, {refund["id"]: refund for refund in sandbox.refunds()})

    def out(self) -> list[dict[str, Any]]:
        """The refunds whose money is out, or on its way out."""
        return [refund for refund in self.refunds.values() if refund["status"] not in BACK]

    def out_of(self, payment: str) -> Decimal:
        return total(dollars(one["amount"]) for one in self.out() if one["payment_intent"] == payment)


def dollars(cents: int) -> Decimal:
    return Decimal(cents) / 100


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def balances(customer: User) -> dict[str, Decimal]:
    stored = dict(Account.objects.filter(customer=customer).values_list("kind", "balance"))
    return {kind: stored.get(kind) or Decimal(0) for kind in ("available", "held", "promo", "debt")}


def assert_holds(model: Model, sandbox: PaymentsSandbox) -> None:
    """Check what holds after every step, whatever is under way. Exact: what lags behind is known by its state.

    * The audit of our books finds nothing.
    * The customer's money is what the model has, and for each deposit that we count as paid what the gateway captured,
      less for each leg that we count as paid what the gateway refunded. Ours may lag behind the gateway's; by no
      lag can a cent be counted twice.
    * Whatever is out at the gateway for a leg, that leg still holds or has paid: nobody can spend it again. Once a leg.
    """
    if model.written:
        assert audit.findings() == []
        model.written = False
    theirs = OtherSide.of(sandbox)
    ours = balances(model.customer)
    legs = list(WithdrawalLeg.objects.select_related("deposit").filter(withdrawal__customer=model.customer))
    assert total(ours.values()) == model.before_the_gateways + _credited(model, theirs) - _paid(legs, theirs)
    assert ours["promo"] == model.promo_left
    _assert_legs_hold_what_is_out(legs, theirs)


def _credited(model: Model, theirs: OtherSide) -> Decimal:
    paid = Deposit.objects.filter(customer=model.customer, gateway=GatewaySlug.STRIPE, state=DepositState.PAID)
    references = list(paid.values_list("payment_reference", flat=True))
    assert len(set(references)) == len(references)
    return total(theirs.captured[reference or ""] for reference in references)


def _paid(legs: Iterable[WithdrawalLeg], theirs: OtherSide) -> Decimal:
    paid = [leg for leg in legs if leg.state == LegState.PAID]
    by_hand = [referred(leg).removeprefix("payout-") for leg in paid if leg.gateway == GatewaySlug.MANUAL]
    sent = Payout.objects.exclude(state=PayoutState.WAITING).filter(pk__in=by_hand).values_list("amount", flat=True)
    assert len(sent) == len(by_hand)
    refunds = [theirs.refunds[referred(leg)] for leg in paid if leg.gateway == GatewaySlug.STRIPE]
    return total(dollars(refund["amount"]) for refund in refunds) + total(sent)


def referred(leg: WithdrawalLeg) -> str:
    assert leg.reference, f"{leg} is {leg.state}, and at no gateway"
    return leg.reference


def _assert_legs_hold_what_is_out(legs: Iterable[WithdrawalLeg], theirs: OtherSide) -> None:
    by_number = {str(leg.pk): leg for leg in legs}
    by_reference = {leg.reference: leg for leg in legs if leg.reference}
    out = [refund for refund in theirs.out() if "leg" in refund["metadata"]]
    twice = [number for number, times in Counter(refund["metadata"]["leg"] for refund in out).items() if times > 1]
    assert twice == [], "a leg was paid out twice"
    for refund in out:
        leg = by_number[refund["metadata"]["leg"]]
        assert leg.state in AT_THE_GATEWAY, f"{refund['id']} is out, and its leg is {leg.state}"
        assert leg.reference in {None, refund["id"]}
    for reference, leg in by_reference.items():
        if leg.gateway != GatewaySlug.STRIPE:
            continue
        found = theirs.refunds[reference]
        assert leg.deposit
        assert (found["payment_intent"], dollars(found["amount"])) == (leg.deposit.payment_reference, leg.amount)
        if leg.state == LegState.FAILED:
            assert found["status"] in BACK, f"{reference} is {found['status']}, and its leg failed"
        if leg.state == LegState.PAID:
            assert found["status"] in {"succeeded", "failed"}


def assert_at_rest(model: Model, sandbox: PaymentsSandbox) -> None:
    """Check that both sides say the same once nothing is due any more: no lag is left to explain a difference."""
    assert_holds(model, sandbox)
    theirs = OtherSide.of(sandbox)
    legs = list(WithdrawalLeg.objects.select_related("deposit").filter(withdrawal__customer=model.customer))
    assert {leg.state for leg in legs} <= OVER
    deposits = Deposit.objects.filter(customer=model.customer, gateway=GatewaySlug.STRIPE)
    paid = {deposit.payment_reference: deposit for deposit in deposits if deposit.state == DepositState.PAID}
    assert {reference: deposit.amount for reference, deposit in paid.items()} == theirs.captured
    for reference, deposit in paid.items():
        assert deposit.refunded == theirs.out_of(reference or "")
        assert deposit.reserved == 0
    known = {leg.reference for leg in legs if leg.state == LegState.PAID and leg.gateway == GatewaySlug.STRIPE}
    assert known == {refund["id"] for refund in theirs.out()}
    by_hand = Payout.objects.filter(leg__in=[leg.pk for leg in legs])
    assert not by_hand.filter(state=PayoutState.WAITING).exists()
    confirmed = total(by_hand.filter(state=PayoutState.CONFIRMED).values_list("amount", flat=True))
    refunded = total(dollars(refund["amount"]) for refund in theirs.out())
    ours = balances(model.customer)
    assert ours["held"] == 0
    captured = total(theirs.captured.values())
    assert total(ours.values()) == model.before_the_gateways + captured - refunded - confirmed
