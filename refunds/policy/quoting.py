"""What a policy gives back for orders of a service, asked before there is one: the answers behind every note and quote.

Sample orders are judged by the policy itself, so what is said beforehand is what will be decided.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, groupby
from typing import Final

from refunds.policy import facts
from refunds.policy.clauses import Approval, Portion, Refund
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
        age_of_order_matters: hours count from the end, and the answers are those for an order that was placed no
            earlier than it must have been; for older ones the policy has others.
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
        not_started: it can't be started.
        partial: the provider ends it before all is delivered.
        stopped_by_us: our staff end it before all is delivered.
        completed: it is delivered in full.
        short: a customer reports that less was delivered than the provider says.
        dropped: a customer reports that what was delivered went away.
        refill_failed: the same after a refill was refused or failed; None where the service offers none.
    """

    pending_cancel: Course | None
    not_started: Course
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


def quote(policy: Policy, offered: Offered, standing: Standing = Standing.CLEAR) -> ServiceQuote:
    """Return what the policy gives back for orders of a service by a customer of this standing."""

    def order(status: Status, delivery: Delivery, cause: Cause, initiator: Initiator) -> Facts:
        can_be_refilled = status is not Status.CANCELED  # what went away is delivered again only of what was delivered
        return Facts(
            status,
            delivery,
            cause,
            initiator,
            offered.terms,
            standing,
            hours_since_final=0,
            refill=offered.refill if can_be_refilled else Refill.NOT_OFFERED,
            service=offered.service,
            category=offered.category,
        )

    canceled = order(Status.CANCELED, Delivery.NONE, Cause.CHANGE_OF_MIND, Initiator.CUSTOMER)
    not_started = order(Status.CANCELED, Delivery.NONE, Cause.NOT_STARTED, Initiator.SYSTEM)
    partial = order(Status.PARTIAL, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER)
    stopped = order(Status.CANCELED, Delivery.SOME, Cause.STAFF_CANCELED, Initiator.STAFF)
    completed = order(Status.COMPLETED, Delivery.ALL, Cause.DELIVERED, Initiator.PROVIDER)
    short = order(Status.COMPLETED, Delivery.ALL, Cause.CANNOT_COMPLETE, Initiator.CUSTOMER)
    dropped = order(Status.COMPLETED, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER)
    refills = offered.refill is not Refill.NOT_OFFERED
    return ServiceQuote(
        pending_cancel=_at_the_end(policy, canceled) if Status.PENDING in policy.customer_cancellation else None,
        not_started=_at_the_end(policy, not_started),
        partial=_at_the_end(policy, partial),
        stopped_by_us=_at_the_end(policy, stopped),
        completed=_at_the_end(policy, completed),
        short=_afterwards(policy, short),
        dropped=_afterwards(policy, dropped),
        refill_failed=_afterwards(policy, replace(dropped, refill=Refill.REFUSED)) if refills else None,
    )


_AGES: Final = (
    (1, SincePlaced.WITHIN_HOUR),
    (DAY_HOURS, SincePlaced.WITHIN_DAY),
    (MONTH_HOURS, SincePlaced.WITHIN_MONTH),
    (None, SincePlaced.OLDER),
)


def _at_the_end(policy: Policy, sample: Facts) -> Course:
    """Judge an order that ends just now, by its age."""
    return Course(_merged([Step(hours, _answer(policy, replace(sample, since_placed=age))) for hours, age in _AGES]))


def _afterwards(policy: Policy, sample: Facts) -> Course:
    """Judge what a customer claims about an ended order, by the time since its end."""
    bounds = boundaries([rule.when for rule in policy.rules])
    steps, other = [], False
    for within, hours in chain(((bound, bound) for bound in bounds), [(None, bounds[-1] + 1)]):
        youngest = facts.since_placed(timedelta(hours=hours))
        ages = [age for _, age in _AGES]
        answers = [
            _answer(policy, replace(sample, hours_since_final=hours, since_placed=age))
            for age in ages[ages.index(youngest) :]
        ]
        steps.append(Step(within, answers[0]))
        other = other or len(set(answers)) > 1
    return Course(_merged(steps), age_of_order_matters=other)


def _answer(policy: Policy, sample: Facts) -> Answer:
    clause = policy.rules[policy.matcher.first(sample)]
    return Answer(clause.refund, clause.approval, clause.cap, clause.fee)


def _merged(steps: list[Step]) -> tuple[Step, ...]:
    """Put neighbors with the same answer together; the last of them says how long it holds."""
    return tuple(list(same)[-1] for _, same in groupby(steps, key=lambda step: step.answer))
