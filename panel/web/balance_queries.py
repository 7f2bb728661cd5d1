"""What the pages about deposits and withdrawals read: typed values in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Prefetch, QuerySet, Sum

from billing import planning
from billing.models import (
    Arrangement,
    Deposit,
    LegState,
    Withdrawal,
    WithdrawalEvent,
    WithdrawalLeg,
)
from billing.models.withdrawal import HELD
from panel.accounts.models import User
from panel.kernel import money

PAGE_SIZE: Final = 25


@dataclass(frozen=True, slots=True)
class PaidIn:
    """A deposit and where it went back.

    Attributes:
        left: what of it can still be paid back to its method. Money scale.
        why: why that is nothing although not all of it went back; empty otherwise.
        legs: the parts of withdrawals that went, are going or failed to go back to it, oldest first.
    """

    deposit: Deposit
    left: Decimal
    why: str
    legs: tuple[WithdrawalLeg, ...]


@dataclass(frozen=True, slots=True)
class DepositsPage:
    """One page of deposits, newest first. `older` is the number that the next page starts below, None at the end."""

    deposits: tuple[PaidIn, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A withdrawal with its parts, oldest first."""

    withdrawal: Withdrawal
    legs: tuple[WithdrawalLeg, ...]


@dataclass(frozen=True, slots=True)
class WithdrawalsPage:
    """One page of withdrawals, newest first. `older` is the number that the next page starts below, None at the end."""

    withdrawals: tuple[PaidOut, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a withdrawal's page tells: its parts and events, oldest first, and what support arranges."""

    withdrawal: Withdrawal
    legs: tuple[WithdrawalLeg, ...]
    events: tuple[WithdrawalEvent, ...]
    arrangement: Arrangement | None


def deposit(customer: User, key: UUID, *, at: datetime) -> PaidIn | None:
    """Return the customer's deposit as at `at`; None whether it is missing or somebody else's."""
    found = _deposits(customer).filter(key=key).first()
    return None if found is None else _paid_in(found, at)


def deposits_page(customer: User, *, before: int | None = None, at: datetime) -> DepositsPage:
    """Return the customer's newest deposits as at `at`, of those with a number below `before`."""
    own = _deposits(customer).order_by("-pk")
    found = list((own if before is None else own.filter(pk__lt=before))[: PAGE_SIZE + 1])
    shown = tuple(_paid_in(row, at) for row in found[:PAGE_SIZE])
    return DepositsPage(shown, shown[-1].deposit.pk if len(found) > PAGE_SIZE else None)


def withdrawals_page(customer: User, *, before: int | None = None) -> WithdrawalsPage:
    """Return the customer's newest withdrawals, of those with a number below `before`."""
    legs = Prefetch("legs", WithdrawalLeg.objects.select_related("deposit").order_by("pk"))
    own = Withdrawal.objects.filter(customer=customer).prefetch_related(legs).order_by("-pk")
    found = list((own if before is None else own.filter(pk__lt=before))[: PAGE_SIZE + 1])
    shown = tuple(PaidOut(row, tuple(row.legs.all())) for row in found[:PAGE_SIZE])
    return WithdrawalsPage(shown, shown[-1].withdrawal.pk if len(found) > PAGE_SIZE else None)


def withdrawal(customer: User, number: int) -> Story | None:
    """Return the customer's withdrawal with what happened to it; None whether it is missing or somebody else's."""
    found: Withdrawal | None = Withdrawal.objects.filter(customer=customer, pk=number).first()
    if found is None:
        return None
    legs = tuple(WithdrawalLeg.objects.filter(withdrawal=found).select_related("deposit", "arrangement").order_by("pk"))
    arrangements = (getattr(leg, "arrangement", None) for leg in legs)
    return Story(
        withdrawal=found,
        legs=legs,
        events=tuple(WithdrawalEvent.objects.filter(withdrawal=found).order_by("pk")),
        arrangement=next((arrangement for arrangement in arrangements if arrangement is not None), None),
    )


def withdrawal_by_key(customer: User, key: UUID) -> Withdrawal | None:
    """Return the withdrawal that the form with this key has opened, if it has."""
    found: Withdrawal | None = Withdrawal.objects.filter(customer=customer, key=key).first()
    return found


def on_its_way(customer: User) -> Decimal:
    """Return what withdrawals hold that are neither paid nor put back; not what disputes hold. Money scale."""
    own = WithdrawalLeg.objects.filter(withdrawal__customer=customer, state__in=HELD)
    found: Decimal | None = own.aggregate(total=Sum("amount"))["total"]
    return money.ZERO if found is None else found


def paid_on(deposits: list[int]) -> dict[int, Deposit]:
    """Return these deposits by number."""
    return {row.pk: row for row in Deposit.objects.filter(pk__in=deposits)}


def _deposits(customer: User) -> QuerySet[Deposit]:
    told = WithdrawalLeg.objects.exclude(state=LegState.CANCELED).order_by("pk")
    own: QuerySet[Deposit] = Deposit.objects.filter(customer=customer).prefetch_related(Prefetch("legs", told))
    return own


def _paid_in(found: Deposit, at: datetime) -> PaidIn:
    left = planning.left_on(found, at=at)
    return PaidIn(found, left.amount, left.why, tuple(found.legs.all()))
