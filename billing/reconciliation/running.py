"""One reconciliation: the gateway's lines day by day, our rows without lines, and what was listed before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final

from django.db.models import Case, F, Q, When
from django.db.models import Sum as SumOf

from billing import gateways
from billing.gateways.base import GatewayError, MovementKind
from billing.models import Deposit, DepositState, Discrepancy, GatewaySlug, House, Problem, Transfer
from billing.reconciliation import comparing, discrepancies, disputing, examining
from billing.reconciliation.discrepancies import Found
from billing.reconciliation.progress import Comparison, Sum
from panel.kernel import money
from panel.kernel.errors import Busy

LOOK_BACK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_BATCH: Final = 500

Progress = Callable[[str, datetime], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of comparing `[since, until)` of a gateway's books with ours.

    Attributes:
        gateway_payments, gateway_refunds: sums of the gateway's lines; refunds that failed are taken off again.
        our_payments, our_refunds: what our books have for the same lines.
        gateway_disputes, our_disputes: what disputes have taken less what came back, by both books.
        others: lines that are not the customers' money here: fees, payouts to the owner.
        clearing: what the ledger says that we have at the gateway, fees and payouts to the owner aside.
        repaired: references of what we did not know before and have taken in now.
        found: everything that differs and is listed, also what earlier runs found and is still so.
        unreached: why the comparison could not be finished. Then nothing is known: the sums are of what was read until
            then, nothing is found, and the list stays as it was.
    """

    gateway: str
    since: datetime
    until: datetime
    gateway_payments: Sum
    our_payments: Sum
    gateway_refunds: Sum
    our_refunds: Sum
    gateway_disputes: Sum
    our_disputes: Sum
    others: int
    clearing: Decimal
    repaired: tuple[str, ...]
    found: tuple[Found, ...]
    unreached: str

    @property
    def agrees(self) -> bool:
        """Whether the gateway was asked about everything and nothing differs."""
        return not self.found and not self.unreached


def reconcile_all(
    *, at: datetime, look_back: timedelta = LOOK_BACK, progress: Progress = lambda _gateway, _day: None
) -> list[Report]:
    """Reconcile every gateway that we have keys for or money at; one that does not answer doesn't stop the others.

    Without its key, a gateway that customers paid through can't be asked: it is reported as unreached, never as clean.
    """
    slugs = [gateway.describe().slug for gateway in gateways.configured()]
    slugs += [slug for slug in GatewaySlug.values if slug not in slugs and _has_payments(slug)]
    return [reconcile(slug, since=at - look_back, until=at, at=at, progress=progress) for slug in slugs]


def _has_payments(slug: str) -> bool:
    return bool(Deposit.objects.filter(gateway=slug, state=DepositState.PAID).exists())


def reconcile(
    gateway: str, *, since: datetime, until: datetime, at: datetime, progress: Progress = lambda _gateway, _day: None
) -> Report:
    """Compare the gateway's books of `[since, until)` with ours, take in what is late, and list what differs.

    Differences that were listed before and did not turn up are asked about one by one, however old they are: they are
    resolved when they are gone, and not because nobody looked. No transaction is open during the gateway's calls.
    `progress` is called with the gateway and the end of each day's books. Raises ValueError for an unknown gateway.
    """
    comparison = Comparison(gateways.get(gateway), at)
    found: tuple[Found, ...] = ()
    unreached = ""
    try:
        _compare(comparison, since, until, progress)
        listed = discrepancies.open_at(gateway)
        for row in listed:
            if (row.problem, row.reference) in comparison.found:
                continue
            if row.problem in disputing.PROBLEMS:
                disputing.look_again(comparison, row)
            else:
                _look_again(comparison, row)
        gone = [row for row in listed if (row.problem, row.reference) not in comparison.found]
        found = tuple(comparison.found.values())
        discrepancies.save(gateway=gateway, found=found, gone=gone, at=at)
    except (GatewayError, Busy) as error:
        found, unreached = (), error.message
    return Report(
        gateway=comparison.slug,
        since=since,
        until=until,
        gateway_payments=comparison.gateway_payments,
        our_payments=comparison.our_payments,
        gateway_refunds=comparison.gateway_refunds,
        our_refunds=comparison.our_refunds,
        gateway_disputes=comparison.gateway_disputes,
        our_disputes=comparison.our_disputes,
        others=comparison.others,
        clearing=_balance(comparison.gateway.describe().clearing),
        repaired=tuple(comparison.repaired),
        found=found,
        unreached=unreached,
    )


def _compare(comparison: Comparison, since: datetime, until: datetime, progress: Progress) -> None:
    """Go through the days. A row of ours belongs to a line of its own day or of the one before: we learn later."""
    yesterday: set[str] = set()
    start = since
    while start < until:
        end = min(start + _DAY, until)
        today: set[str] = set()
        movements = iter(comparison.gateway.movements(start, end))
        while batch := list(islice(movements, _BATCH)):
            comparing.lines(comparison, batch)
            today |= {line.payment_reference for line in batch if line.kind is MovementKind.PAYMENT}
            today |= {line.source for line in batch if line.kind is not MovementKind.PAYMENT}
        seen = yesterday | today
        comparing.payments_without_line(comparison, since=start, until=end, seen=seen)
        comparing.refunds_without_line(comparison, since=start, until=end, seen=seen)
        progress(comparison.slug, end)
        yesterday, start = today, end
    disputing.compare(comparison, since=since)


def _look_again(comparison: Comparison, row: Discrepancy) -> None:
    """Ask about a difference of an earlier run that did not turn up; it is found again if it is still so."""
    problem, reference = Problem(row.problem), row.reference
    match problem:
        case Problem.UNKNOWN_PAYMENT:
            if reference not in examining.known_payments(comparison, [reference]):
                comparison.find(problem, reference, row.description, row.amount)
        case Problem.AMOUNT_DIFFERS:  # neither the gateway's amounts nor ours ever change
            comparison.find(problem, reference, row.description, row.amount)
        case Problem.MISSING_PAYMENT:
            for deposit in examining.known_payments(comparison, [reference]).values():
                examining.payment(comparison, deposit)
        case Problem.UNKNOWN_REFUND:
            if reference not in examining.known_refunds(comparison, [reference]):
                examining.unknown_refund(comparison, reference, row.amount)
        case Problem.MISSING_REFUND | Problem.STATE_DIFFERS:
            for leg in examining.known_refunds(comparison, [reference]).values():
                examining.refund(comparison, leg)


def _balance(house: House) -> Decimal:
    """Return what the ledger has on a clearing account, where debits are what customers paid in."""
    moved = Transfer.objects.filter(Q(debit_account=house.value) | Q(credit_account=house.value))
    signed = Case(When(debit_account=house.value, then=F("amount")), default=-F("amount"))
    total: Decimal | None = moved.aggregate(total=SumOf(signed))["total"]
    return total if total is not None else money.ZERO
