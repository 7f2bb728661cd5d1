"""What an order would give back now, by the version that it was placed under: what its page says beforehand.

Nothing is written. No statement is made but for reading a policy version once a process, and one for the refills of
an ended order that allows them. Ends are judged as the settlement judges them, claims as the desk does, so what is
quoted is what is decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings

from orders import refills
from orders.lifecycle import Move, Moved
from orders.models import Cause, Initiator, Order, OrderStatus
from panel.accounts.models import Standing
from panel.kernel import money
from refunds import bookings, publishing, rules, settlement
from refunds.bookings import Books
from refunds.desk import causes, proposals
from refunds.desk.proposals import Proposal
from refunds.models import Decision, DecisionState, PolicyVersion, RefundRequest, RequestState
from refunds.policy import facts, matching, wording
from refunds.policy.clauses import Approval
from refunds.policy.facts import Amounts

_INSTANT: Final = timedelta(microseconds=1)
_BY_PEOPLE: Final = frozenset({DecisionState.AWAITING_REVIEW, DecisionState.APPROVED, DecisionState.DECLINED})


@dataclass(frozen=True, slots=True)
class EndQuote:
    """What an end of the order would give back. Money scale.

    Attributes:
        amounts: with the units that would be undelivered.
        credit: what is owed less what was credited before.
    """

    version: PolicyVersion
    verdict: wording.Verdict
    amounts: Amounts
    credit: Decimal

    @property
    def clause(self) -> str:
        """The clause that would decide."""
        return self.verdict.clause_id

    @property
    def rule(self) -> str:
        """The clause in the words of the policy's page."""
        return rules.words(self.version.policy, self.clause)

    @property
    def waits(self) -> bool:
        """Whether a person would look before anything is credited."""
        return self.verdict.approval is Approval.REVIEW and self.credit > 0

    @property
    def is_all(self) -> bool:
        """Whether the whole charge would be back."""
        return self.verdict.owed == self.amounts.charge

    @property
    def deductions(self) -> str:
        """What a cap or a fee would take off, in brackets after a space; empty when nothing."""
        clause = self.version.policy.clause(self.clause)
        return wording.deductions(clause, self.amounts, self.verdict.owed, settings.PANEL_CURRENCY)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a customer may claim about an ended order, for causes that the policy answers alike.

    Attributes:
        credit: the most that it gives, 0 when by our records nothing is left to refund. Money scale.
        waits: a person looks at it; else it is credited at once.
        until: the last instant at which it can be made on these terms; None when they don't change with time.
        closes: after `until` nothing comes of it; else the policy has other terms then.
    """

    causes: tuple[Cause, ...]
    credit: Decimal
    waits: bool
    until: datetime | None
    closes: bool


def if_canceled(order: Order, *, standing: Standing, at: datetime) -> EndQuote:
    """Say what comes back if the customer cancels the pending order at `at`."""
    move = Move(order.pk, OrderStatus.CANCELED, cause=Cause.CHANGE_OF_MIND, remains=order.quantity)
    return if_moved(order, move, Initiator.CUSTOMER, standing=standing, at=at)


def if_ended_now(order: Order, *, standing: Standing, at: datetime) -> EndQuote | None:
    """Say what comes back if the provider ended the running order at `at` as it reported last.

    None when nothing is reported of an order that has begun: what comes back follows from that. One with all units left
    would be canceled, one with none completed.
    """
    remains = order.quantity if order.remains is None else order.remains
    if order.remains is None and order.status != OrderStatus.PROCESSING:
        return None
    if remains == 0:
        move = Move(order.pk, OrderStatus.COMPLETED, cause=Cause.DELIVERED, remains=0)
    elif remains < order.quantity:
        move = Move(order.pk, OrderStatus.PARTIAL, cause=Cause.CANNOT_COMPLETE, remains=remains)
    else:
        move = Move(order.pk, OrderStatus.CANCELED, cause=Cause.PROVIDER_CANCELED, remains=remains)
    return if_moved(order, move, Initiator.PROVIDER, standing=standing, at=at)


def if_moved(order: Order, move: Move, initiator: Initiator, *, standing: Standing, at: datetime) -> EndQuote:
    """Judge a move that ends the order, or corrects its end, as the settlement would if it were made at `at`.

    Raises facts.FactsInvalid when remains are above the quantity.
    """
    remains = move.remains or 0
    amounts = Amounts(order.charge, order.quantity, remains)
    imagined = proposals.imagine(order, status=move.to, remains=remains)
    imagined.final_at = order.final_at or at
    moved = Moved(imagined, move, OrderStatus(order.status), initiator, event_id=0)
    refill = settlement.refill_facts([moved])[order.pk]
    found = settlement.facts_of(moved, facts.Standing(standing.value), refill, at)
    before = settlement.credited_by_hand([moved]).get(order.pk, money.ZERO)
    version = publishing.version(order.policy_version)
    verdict = settlement.verdict_of(moved, version, found, amounts, before=before)
    books = Books(order.charge, order.charge_promo, order.refunded, order.recognized)
    return EndQuote(version, verdict, amounts, bookings.due(books, verdict.owed))


def open_claims(
    order: Order,
    *,
    standing: Standing,
    decisions: Iterable[Decision],
    requests: Sequence[RefundRequest],
    at: datetime,
) -> tuple[Claim, ...]:
    """Return what the customer can still claim about an ended order at `at`, in the order of the request form.

    `standing` is how the customer would stand on asking (`refunds.desk.abuse.standing_if_asked`), `decisions` and
    `requests` are all that there are about the order. What was claimed and declined before is left out,
    and what people decided about goes to a person again, as `refunds.desk.opening` has it. The causes are a few and the
    policy's windows too, so this judges some dozens of times.
    """
    by_people = _decided_by_people(decisions, requests)
    refill = facts.Refill(refills.offers([order])[order.pk].value)
    found: dict[tuple[Decimal, bool, datetime | None, bool], list[Cause]] = {}
    for cause, _ in causes.fitting(order):
        proposal = proposals.judge(order, cause=cause, standing=standing, at=at, refill=refill)
        if proposals.declined_before(requests, proposal, cause) is not None or not _is_open(proposal):
            continue
        until, closes = _until(proposal, cause, standing, at)
        waits = by_people or not proposal.is_automatic
        found.setdefault((proposal.credit, waits, until, closes), []).append(cause)
    return tuple(Claim(tuple(alike), *terms) for terms, alike in found.items())


def _is_open(proposal: Proposal) -> bool:
    return proposal.credit > 0 or not proposal.is_automatic


def _until(proposal: Proposal, cause: Cause, standing: Standing, at: datetime) -> tuple[datetime | None, bool]:
    """Return the last instant at which the claim is judged as now, and whether nothing comes of it after that."""
    order = proposal.order
    for instant in _turns(proposal):
        if instant < at:
            continue
        refill = proposal.facts.refill
        later = proposals.judge(order, cause=cause, standing=standing, at=instant + _INSTANT, refill=refill)
        if _terms(later) != _terms(proposal):
            return instant, not _is_open(later)
    return None, False


def _turns(proposal: Proposal) -> list[datetime]:
    """Return the instants after which the policy may judge the order otherwise, in the order of time."""
    order, policy = proposal.order, proposal.version.policy
    bounds = matching.boundaries([rule.when for rule in policy.rules])
    since_end = [] if order.final_at is None else [order.final_at + hours * facts.HOUR for hours in bounds]
    return sorted([*since_end, *(order.placed_at + age for age in (facts.HOUR, facts.DAY, facts.MONTH))])


def _terms(proposal: Proposal) -> tuple[bool, Decimal]:
    return proposal.is_automatic, proposal.credit


def _decided_by_people(decisions: Iterable[Decision], requests: Iterable[RefundRequest]) -> bool:
    return any(decision.state in _BY_PEOPLE for decision in decisions) or any(
        request.closed_by_id is not None and request.state != RequestState.WITHDRAWN for request in requests
    )
