"""What changes between two policies as a customer in good standing meets it: case by case, in the order of an order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any, Final

from refunds.policy import noting, payouts, quoting, scopes
from refunds.policy.clauses import Approval, Clause, Refund
from refunds.policy.describing import Describer
from refunds.policy.document import Policy
from refunds.policy.facts import Delivery, Refill, Standing, Terms
from refunds.policy.matching import Condition
from refunds.policy.outcomes import Direction
from refunds.policy.quoting import Answer, Course, Offered

CASES: Final[Mapping[str, tuple[str, Delivery]]] = {
    "pending_cancel": ("You cancel while it is pending", Delivery.NONE),
    "not_started": ("It can't be started", Delivery.NONE),
    "provider_canceled": ("The provider cancels it before anything is delivered", Delivery.NONE),
    "partial": ("It is delivered only in part", Delivery.SOME),
    "stopped_by_us": ("We stop it before all is delivered", Delivery.SOME),
    "completed": ("It is delivered in full", Delivery.ALL),
    # A person who looks at a claim may find that less was delivered than is reported.
    "short": ("You report that less was delivered", Delivery.SOME),
    "dropped": ("You report that what was delivered went away", Delivery.SOME),
    "refill_failed": ("It went away, and the refill failed", Delivery.SOME),
}
"""The cases of a quote as a customer would name them, in their order, and how much is delivered then."""

CLAIMS: Final = ("short", "dropped", "refill_failed")

_OFFERED: Final[Mapping[str, Mapping[object, str]]] = {
    "terms": {
        Terms.STANDARD: "services that are refunded after the start",
        Terms.NO_REFUND_AFTER_START: "services marked “no refund after start”",
    },
    "refill": {Refill.NOT_OFFERED: "services without refill", Refill.AVAILABLE: "services with refill"},
}


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One case that comes out otherwise: for which services (empty: for all), and what is refunded before and after."""

    case: str
    services: str
    before: str
    after: str
    direction: Direction


def find(old: Policy, new: Policy, currency: str) -> tuple[CaseChange, ...]:
    """Return the cases that come out otherwise for a customer in good standing, in the order of an order's life."""
    places = scopes.samples((old.scopes, new.scopes))
    axes: dict[str, Sequence[Any]] = {"terms": list(Terms), "refill": [Refill.NOT_OFFERED, Refill.AVAILABLE]}
    describe = Describer([old, new])
    told: dict[tuple[str, str, str, Direction], list[tuple[Any, ...]]] = {}
    for offered in product(*axes.values(), places):
        kind = Offered(offered[0], offered[1], *offered[2])
        before, after = (quoting.quote(policy, kind) for policy in (old, new))
        said, then = (noting.cases(quote, currency) for quote in (before, after))
        for case in CASES:
            if said[case] != then[case]:
                which = _direction(getattr(before, case), getattr(after, case), case)
                told.setdefault((case, said[case], then[case], which), []).append(offered)
    axes["scope"] = places
    changes = [
        CaseChange(CASES[case][0], words, said, then, which)
        for (case, said, then, which), kinds in sorted(told.items(), key=lambda one: list(CASES).index(one[0][0]))
        for words in _services(kinds, axes, describe.scope)
    ]
    return tuple(changes)


def in_good_standing(policy: Policy) -> Policy:
    """Return the policy as it is for customers in good standing: without clauses, and words, about others."""
    kept = []
    for clause in policy.clauses:
        values = dict(clause.when.values)
        if Standing.CLEAR.value in values.get("standing", (Standing.CLEAR.value,)):
            values.pop("standing", None)
            kept.append(replace(clause, when=replace(clause.when, values=tuple(values.items()))))
    return replace(policy, clauses=tuple(kept))


def _services(
    kinds: Sequence[tuple[Any, ...]], axes: Mapping[str, Sequence[Any]], scope: Callable[[tuple[int, int]], str]
) -> Iterator[str]:
    """Say for which services, in as few phrases as it takes; an axis that is there in full is not named."""
    values = [
        [value for value in axes[axis] if any(kind[at] == value for kind in kinds)] for at, axis in enumerate(axes)
    ]
    if len(kinds) == prod(len(found) for found in values):
        yield _phrase(dict(zip(axes, values, strict=True)), axes, scope)
        return
    at = max(range(len(values)), key=lambda axis: len(values[axis]))
    for value in values[at]:
        yield from _services([kind for kind in kinds if kind[at] == value], axes, scope)


def _phrase(
    values: Mapping[str, Sequence[Any]], axes: Mapping[str, Sequence[Any]], scope: Callable[[tuple[int, int]], str]
) -> str:
    parts = []
    if len(values["scope"]) < len(axes["scope"]):
        parts.append(", ".join(dict.fromkeys(scope(place) for place in values["scope"])))
    parts += [words[values[axis][0]] for axis, words in _OFFERED.items() if len(values[axis]) < len(axes[axis])]
    return "; ".join(parts)


def _direction(before: Course | None, after: Course | None, case: str) -> Direction:
    """Say for whom it is better: at every hour at which either answer changes."""
    delivery, is_claim = CASES[case][1], case in CLAIMS
    steps = [step for course in (before, after) if course for step in course.steps]
    bounds = sorted({step.within_hours for step in steps if step.within_hours is not None})
    more = less = False
    for hours in [*bounds, None]:
        was, comes = (_at(course, hours, is_claim=is_claim) for course in (before, after))
        more = more or payouts.exceeds(comes, was, delivery) is not None
        less = less or payouts.exceeds(was, comes, delivery) is not None
    if more and less:
        return Direction.EITHER
    if more:
        return Direction.MORE
    return Direction.LESS if less else Direction.SAME_AMOUNT


def _at(course: Course | None, hours: int | None, *, is_claim: bool) -> Clause:
    """Return what holds at an age (None: beyond all), as a clause that pays so.

    Nothing where a case can't come about, and for a claim that is settled at once by what is reported.
    """
    found: Answer | None = None
    if course is not None:
        found = next(
            step.answer
            for step in course.steps
            if step.within_hours is None or (hours is not None and hours <= step.within_hours)
        )
    if found is None or (is_claim and found.refund is not Refund.FULL and found.approval is Approval.AUTOMATIC):
        found = Answer(Refund.NONE, Approval.AUTOMATIC)
    return Clause("", "", Condition(), found.refund, found.approval, "", "", "", found.cap, found.fee)
