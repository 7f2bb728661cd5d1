"""What a policy gives back for orders of a service, asked before there is one: the answers behind every note and quote.

Sample orders are judged by the policy itself, so what is said beforehand is what will be decided. A case that several
people can bring about, for several causes, is judged for each of them, and the least of the answers is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from itertools import chain, groupby, product
from typing import Final

from refunds.policy import facts, payouts
from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.document import Policy
from refunds.policy.facts import (
    DAY_HOURS,
    MONTH_HOURS,
    Cause,
    Delivery,
    Facts,
    Initiator,
    Refill,
    SincePlaced,
    Standing,
    Status,
    Terms,
)
from refunds.policy.matching import boundaries


@dataclass(frozen=True, slots=True)
class Offered:
    """What a policy may ask about a service.

    Attributes:
        service, category: their numbers, 0 when they do not matter.
        refill: `available` when the service offers refills, else `not_offered`.
    """

    terms: Terms = Terms.STANDARD
    refill: Refill = Refill.NOT_OFFERED
    service: int = 0
    category: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a clause gives back, without its words."""

    refund: Refund
    approval: Approval
    cap: Portion | None = None
    fee: Portion | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An answer, and for how long it holds: up to so many hours, to the second; None for as long as it takes."""

    within_hours: int | None
    answer: Answer


@dataclass(frozen=True, slots=True)
class Course:
    """The answers to one case as time goes on, the last of which holds for good.

    Attributes:
        age_of_order_matters: hours count from the end, and the answers are the least of those for orders placed long
            ago or just before; for others the policy gives more.
    """

    steps: tuple[Step, ...]
    age_of_order_matters: bool = False

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers in the order of time."""
        return tuple(step.answer for step in self.steps)


@dataclass(frozen=True, slots=True)
class ServiceQuote:
    """What orders of a service give back. Hours count from the placing, those of the last three from the end.

    Attributes:
        pending_cancel: the customer cancels while the order is pending; None where the policy lets nobody do so.
        not_started: it can't be started, as the system, our staff or the provider says.
        provider_canceled: the provider ends it before anything is delivered.
        partial: the provider ends it, as partial or canceled, before all is delivered.
        stopped_by_us: we cancel it before all is delivered.
        completed: it is delivered in full.
        short: a customer reports that less was delivered than the provider says.
        dropped: a customer reports that what was delivered went away.
        refill_failed: the same after a refill was refused or failed; None where the service offers none.
    """

    pending_cancel: Course | None
    not_started: Course
    provider_canceled: Course
    partial: Course
    stopped_by_us: Course
    completed: Course
    short: Course
    dropped: Course
    refill_failed: Course | None

    @property
    def ends_with_start(self) -> bool:
        """Whether nothing is refunded once delivery has begun, unless we end the order ourselves."""
        return all(answer.refund is Refund.NONE for answer in self.partial.answers)


End = tuple[Status, Delivery, Cause, Initiator]
"""One way in which an order comes to an end, or a claim about it."""

_WE: Final = (Initiator.SYSTEM, Initiator.STAFF)
_PENDING_CANCEL: Final[End] = (Status.CANCELED, Delivery.NONE, Cause.CHANGE_OF_MIND, Initiator.CUSTOMER)
_SHORT: Final[End] = (Status.COMPLETED, Delivery.ALL, Cause.CANNOT_COMPLETE, Initiator.CUSTOMER)
_DROPPED: Final[End] = (Status.COMPLETED, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER)

ENDS: Final[Mapping[str, tuple[End, ...]]] = {
    "pending_cancel": (_PENDING_CANCEL,),
    "not_started": tuple(
        (Status.CANCELED, Delivery.NONE, cause, initiator)
        for cause, initiator in product((Cause.NOT_STARTED, Cause.SERVICE_UNAVAILABLE), (*_WE, Initiator.PROVIDER))
    ),
    "provider_canceled": (
        (Status.CANCELED, Delivery.NONE, Cause.PROVIDER_CANCELED, Initiator.PROVIDER),
        (Status.PARTIAL, Delivery.NONE, Cause.CANNOT_COMPLETE, Initiator.PROVIDER),
    ),
    "partial": (
        (Status.PARTIAL, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER),
        (Status.CANCELED, Delivery.SOME, Cause.PROVIDER_CANCELED, Initiator.PROVIDER),
    ),
    "stopped_by_us": tuple(
        (Status.CANCELED, Delivery.SOME, cause, initiator)
        for cause, initiator in (
            (Cause.STAFF_CANCELED, Initiator.STAFF),
            *product((Cause.SERVICE_UNAVAILABLE, Cause.SERVICE_DISCONTINUED, Cause.SYSTEM_ERROR), _WE),
        )
    ),
    "completed": tuple(
        (Status.COMPLETED, Delivery.ALL, Cause.DELIVERED, initiator)
        for initiator in (Initiator.PROVIDER, Initiator.STAFF)
    ),
}
"""Every way in which each case comes about, the most usual one first."""


def quote(policy: Policy, offered: Offered, standing: Standing = Standing.CLEAR) -> ServiceQuote:
    """Return what the policy gives back for orders of a service by a customer of this standing."""

    def order(end: End) -> Facts:
        can_be_refilled = end[0] is not Status.CANCELED  # what went away is delivered again only of what was delivered
        return Facts(
            *end,
            offered.terms,
            standing,
            hours_since_final=0,
            refill=offered.refill if can_be_refilled else Refill.NOT_OFFERED,
            service=offered.service,
            category=offered.category,
        )

    ends = {case: _at_the_end(policy, [order(end) for end in ways]) for case, ways in ENDS.items()}
    short, dropped = order(_SHORT), order(_DROPPED)
    refills = offered.refill is not Refill.NOT_OFFERED
    return ServiceQuote(
        pending_cancel=ends["pending_cancel"] if Status.PENDING in policy.customer_cancellation else None,
        not_started=ends["not_started"],
        provider_canceled=ends["provider_canceled"],
        partial=ends["partial"],
        stopped_by_us=ends["stopped_by_us"],
        completed=ends["completed"],
        short=_afterwards(policy, short),
        dropped=_afterwards(policy, dropped),
        refill_failed=_afterwards(policy, replace(dropped, refill=Refill.REFUSED)) if refills else None,
    )


_USUAL_CHARGE: Final = 10
_AGES: Final = (
    (1, SincePlaced.WITHIN_HOUR),
    (DAY_HOURS, SincePlaced.WITHIN_DAY),
    (MONTH_HOURS, SincePlaced.WITHIN_MONTH),
    (None, SincePlaced.OLDER),
)


def _at_the_end(policy: Policy, samples: Sequence[Facts]) -> Course:
    """Judge an order that ends just now in one of some ways, by its age."""
    return Course(
        _merged(
            [Step(hours, _least(policy, [replace(one, since_placed=age) for one in samples])) for hours, age in _AGES]
        )
    )


def _afterwards(policy: Policy, sample: Facts) -> Course:
    """Judge what a customer claims about an ended order, by the time since its end."""
    bounds = boundaries([rule.when for rule in policy.rules])
    steps, other = [], False
    for within, hours in chain(((bound, bound) for bound in bounds), [(None, bounds[-1] + 1)]):
        youngest = facts.since_placed(timedelta(hours=hours))
        ages = [age for _, age in _AGES]
        samples = [replace(sample, hours_since_final=hours, since_placed=age) for age in ages[ages.index(youngest) :]]
        steps.append(Step(within, _least(policy, samples)))
        other = other or len({_answer(one.delivery, _clause(policy, one)) for one in samples}) > 1
    return Course(_merged(steps), age_of_order_matters=other)


def _least(policy: Policy, samples: Sequence[Facts]) -> Answer:
    """Return what a customer can count on whichever of the samples comes about; all are delivered alike.

    That is the answer that never gives more than another. Where each gives more for some orders (a cap in per cent and
    one of a sum), it is put together from parts of them, or is nothing.
    """
    delivery = samples[0].delivery
    clauses = list({clause.id: clause for clause in (_clause(policy, one) for one in samples)}.values())
    if nothing := [clause for clause in clauses if payouts.pays(clause, delivery) is None]:
        return _answer(
            delivery, min(nothing, key=lambda one: (one.refund is not Refund.NONE, one.approval is Approval.REVIEW))
        )
    least = _lowest(clauses, clauses, delivery) or _lowest(_mixed(clauses), clauses, delivery)
    if least is None:
        return Answer(Refund.NONE, Approval.AUTOMATIC)
    waits = any(clause.approval is Approval.REVIEW for clause in clauses)
    return replace(_answer(delivery, least), approval=Approval.REVIEW if waits else Approval.AUTOMATIC)


def _lowest(offered: Iterable[Clause], clauses: Sequence[Clause], delivery: Delivery) -> Clause | None:
    """Return the first of the offered that never pays more than any of the clauses."""
    return next(
        (one for one in offered if not any(payouts.exceeds(one, other, delivery) for other in clauses if other != one)),
        None,
    )


def _mixed(clauses: Sequence[Clause]) -> list[Clause]:
    """Return every clause that can be made of parts of these, what gives most first as far as that can be said."""
    refunds = [refund for refund in (Refund.FULL, Refund.UNDELIVERED) if any(one.refund is refund for one in clauses)]
    caps, fees = {one.cap for one in clauses}, {one.fee for one in clauses}
    mixed = [replace(clauses[0], refund=refund, cap=cap, fee=fee) for refund, cap, fee in product(refunds, caps, fees)]
    return sorted(mixed, key=_gives, reverse=True)


def _gives(clause: Clause) -> Fraction:
    charge = Fraction(_USUAL_CHARGE)
    return payouts.payout(clause)(charge, charge / 2)


def _clause(policy: Policy, sample: Facts) -> Clause:
    return policy.rules[policy.matcher.first(sample)]


def _answer(delivery: Delivery, clause: Clause) -> Answer:
    """Return what a clause gives; of what is not delivered at all, the undelivered part is everything."""
    whole = delivery is Delivery.NONE and clause.refund is Refund.UNDELIVERED
    return Answer(Refund.FULL if whole else clause.refund, clause.approval, clause.cap, clause.fee)


def _merged(steps: list[Step]) -> tuple[Step, ...]:
    """Put neighbors with the same answer together; the last of them says how long it holds."""
    return tuple(list(same)[-1] for _, same in groupby(steps, key=lambda step: step.answer))
