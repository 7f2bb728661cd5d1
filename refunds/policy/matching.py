"""Finding the clause for some facts in constant time: a bit for each clause, a mask for each value of each fact.

A clause covers facts when it admits the value of every one of them, so the clauses that cover are the AND of a mask for
each fact, and the first of them is the lowest bit that is set. The default is the last bit of every mask.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from refunds.policy.facts import DAY_HOURS, MONTH_HOURS, VOCABULARY, Facts, SinceFinal, since_final
from refunds.policy.scopes import Scopes


@dataclass(frozen=True, slots=True)
class Condition:
    """What a clause asks.

    Attributes:
        values: (fact, values it covers) for each fact that it names, `scope` among them; others may be anything.
        claim_window_hours: covers only orders that ended no longer ago; None for any age and for open orders.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    claim_window_hours: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it covers everything."""
        return not self.values and self.claim_window_hours is None

    def covers(self, facts: Facts, scopes: Scopes) -> bool:
        """Say whether it covers the facts: the meaning that the masks are held to."""
        scope = scopes.of(facts.service, facts.category)
        if self.claim_window_hours is not None and (
            facts.hours_since_final is None or facts.hours_since_final > self.claim_window_hours
        ):
            return False
        return all((scope if fact == "scope" else getattr(facts, fact)) in values for fact, values in self.values)


def boundaries(conditions: Iterable[Condition]) -> tuple[int, ...]:
    """Return the hours since the end at which anything changes for these conditions, rising; each belongs below."""
    windows = {condition.claim_window_hours for condition in conditions} - {None}
    return tuple(sorted({DAY_HOURS, MONTH_HOURS, *(hours for hours in windows if hours is not None)}))


AXES: Final = (
    "status",
    "delivery",
    "cause",
    "initiator",
    "terms",
    "standing",
    "since_placed",
    "age",
    "refill",
    "scope",
)
"""What the conditions look at, each of it apart from the others; `age` is since_final and the claim windows."""


class Matcher:
    """The masks of one list of conditions, the last of which must cover everything (the default)."""

    __slots__ = ("_bounds", "_by_age", "_masks", "_open", "_scope", "_scopes")

    def __init__(self, conditions: Sequence[Condition], scopes: Scopes) -> None:
        named = [dict(condition.values) for condition in conditions]

        def masks(fact: str, values: Iterable[str]) -> dict[str, int]:
            return {
                value: sum(1 << bit for bit, when in enumerate(named) if fact not in when or value in when[fact])
                for value in values
            }

        by_final = masks("since_final", list(SinceFinal))
        windows = [condition.claim_window_hours for condition in conditions]

        def at_age(hours: int | None) -> int:
            within = sum(
                1 << bit
                for bit, window in enumerate(windows)
                if window is None or (hours is not None and hours <= window)
            )
            return within & by_final[since_final(hours)]

        self._masks: Final = {fact: masks(fact, list(VOCABULARY[fact])) for fact in AXES if fact in VOCABULARY}
        self._scopes = scopes
        self._scope = masks("scope", scopes.ids)
        self._bounds: Final = boundaries(conditions)
        self._open = at_age(None)
        self._by_age = [at_age(hours) for hours in (*self._bounds, self._bounds[-1] + 1)]

    def covering(self, facts: Facts) -> int:
        """Return the mask of all conditions that cover the facts; the default's bit is always set."""
        masks = self._masks
        return (
            masks["status"][facts.status]
            & masks["delivery"][facts.delivery]
            & masks["cause"][facts.cause]
            & masks["initiator"][facts.initiator]
            & masks["terms"][facts.terms]
            & masks["standing"][facts.standing]
            & masks["since_placed"][facts.since_placed]
            & masks["refill"][facts.refill]
            & self._of_age(facts.hours_since_final)
            & self._scope[self._scopes.of(facts.service, facts.category)]
        )

    def mask(self, axis: str, facts: Facts) -> int:
        """Return the mask of the conditions that what `facts` say about one of AXES goes with."""
        if axis == "age":
            return self._of_age(facts.hours_since_final)
        if axis == "scope":
            return self._scope[self._scopes.of(facts.service, facts.category)]
        return self._masks[axis][getattr(facts, axis)]

    def first(self, facts: Facts) -> int:
        """Return the index of the first condition that covers the facts."""
        return lowest(self.covering(facts))

    def _of_age(self, hours: int | None) -> int:
        return self._open if hours is None else self._by_age[bisect_left(self._bounds, hours)]


def lowest(mask: int) -> int:
    """Return the index of the lowest bit set in a mask that is not 0."""
    return (mask & -mask).bit_length() - 1
