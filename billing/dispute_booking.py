"""What a dispute should have booked, and which transfers lead there from what is booked. Pure: no rows, no clock.

What is to be booked follows from the gateway's last report alone, never from the way that led to it. So any order of
reports, repeated or lost ones among them, ends in the same books, and a reversal undoes exactly what was done.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from billing import debts
from billing.gateways.base import DisputeReport, DisputeStanding
from billing.ledger import NewTransfer, Wallet
from billing.models import House, TransferKind
from panel.kernel import money


@dataclass(frozen=True, slots=True)
class Booked:
    """What a dispute has booked. Money scale, zero or more.

    Attributes:
        secured: moved from what the customer has, or owes since, to his held account.
        lost: gone to the bank for good.
        fee: of the gateway, borne by the customer.
    """

    secured: Decimal = money.ZERO
    lost: Decimal = money.ZERO
    fee: Decimal = money.ZERO

    @property
    def taken(self) -> Decimal:
        """What the customer is short of because of the payment itself."""
        return self.secured + self.lost


def due(report: DisputeReport, *, passes_fee_on: bool) -> Booked:
    """Return what is to be booked for a dispute that stands as reported.

    * An inquiry takes nothing, so nothing is held.
    * While a formal dispute is open, what the bank claims is held, or what was taken where that is more.
    * Won: everything is released, once the gateway has given something back or never took anything; what it keeps of
      the money after giving some back is lost.
    * Lost, closed or prevented: what the gateway has taken is lost, the rest released.
    * A standing that nobody knows: what was taken is held until a person or a later report says more.
    """
    match report.standing:
        case DisputeStanding.NEEDS_RESPONSE | DisputeStanding.UNDER_REVIEW:
            return Booked(secured=max(report.amount, report.withdrawn))
        case DisputeStanding.WON:
            if report.gave_last:
                return Booked(lost=report.withdrawn)
            return Booked(secured=report.withdrawn)
        case DisputeStanding.LOST:
            fee = report.fee if passes_fee_on and report.fee is not None else money.ZERO
            return Booked(lost=report.withdrawn, fee=fee)
        case DisputeStanding.CLOSED:
            return Booked(lost=report.withdrawn)
        case DisputeStanding.INQUIRY | DisputeStanding.UNRECOGNIZED:
            return Booked(secured=report.withdrawn)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose transfers they are. `key` starts their idempotency keys; `clearing` is the gateway's house account."""

    key: str
    customer_id: int
    deposit_id: int
    clearing: int


def transfers(before: Booked, after: Booked, wallet: Wallet, subject: Subject) -> list[NewTransfer]:
    """Return what leads from `before` to `after`.

    What is taken comes from the available balance as far as that reaches, and the rest becomes debt; what is given back
    pays debt first. Promotional money is never touched. The accounts of `wallet` must be locked.
    """
    return list(_Steps(wallet, subject).between(before, after))


class _Steps:
    """The steps in the order in which each account can bear them, with the balances as they become on the way."""

    def __init__(self, wallet: Wallet, subject: Subject) -> None:
        self._wallet, self._subject = wallet, subject
        self._available, self._owed = wallet.available, debts.owed(wallet)

    def between(self, before: Booked, after: Booked) -> Iterator[NewTransfer]:
        held, fees, clearing = self._wallet.held_id, House.FEES.value, self._subject.clearing
        lost, taken, fee = after.lost - before.lost, after.taken - before.taken, after.fee - before.fee
        if lost < 0:
            yield self._move("reinstated", TransferKind.DISPUTE_REINSTATED, clearing, held, -lost)
        if taken < 0:
            yield from self._give("returned", TransferKind.DISPUTE_RETURNED, held, -taken)
        if fee < 0:
            yield from self._give("fee_returned", TransferKind.DISPUTE_FEE_RETURNED, fees, -fee)
        if taken > 0:
            yield from self._take("held", TransferKind.DISPUTE_HELD, held, taken)
        if fee > 0:
            yield from self._take("fee", TransferKind.DISPUTE_FEE, fees, fee)
        if lost > 0:
            yield self._move("lost", TransferKind.DISPUTE_LOST, held, clearing, lost)

    def _take(self, what: str, kind: TransferKind, credit: int, amount: Decimal) -> Iterator[NewTransfer]:
        available = min(self._available, amount)
        self._available -= available
        self._owed += amount - available
        if available > 0:
            yield self._move(f"{what}:balance", kind, self._wallet.available_id, credit, available)
        if amount > available:
            yield self._move(f"{what}:debt", kind, self._wallet.debt_id, credit, amount - available)

    def _give(self, what: str, kind: TransferKind, debit: int, amount: Decimal) -> Iterator[NewTransfer]:
        owed = min(self._owed, amount)
        self._owed -= owed
        self._available += amount - owed
        if owed > 0:
            yield self._move(f"{what}:debt", kind, debit, self._wallet.debt_id, owed)
        if amount > owed:
            yield self._move(f"{what}:balance", kind, debit, self._wallet.available_id, amount - owed)

    def _move(self, what: str, kind: TransferKind, debit: int, credit: int, amount: Decimal) -> NewTransfer:
        return NewTransfer(
            key=f"{self._subject.key}:{what}",
            kind=kind,
            debit=debit,
            credit=credit,
            amount=money.exact(amount),
            customer_id=self._subject.customer_id,
            deposit_id=self._subject.deposit_id,
        )
