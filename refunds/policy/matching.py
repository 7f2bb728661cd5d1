"""Finding the clause for some facts in constant time: a bit for each clause, a mask for each value of each fact.

A clause covers facts when it admits the value of every one of them, so the clauses that cover are the AND of eight
masks, and the first of them is the lowest bit that is set. The default is the last bit of every mask.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from refunds.policy.facts import VOCABULARY, Facts

Condition = tuple[tuple[str, tuple[str, ...]], ...]
"""What a clause asks: (fact, values it covers) for each fact that it names; a fact not named may be anything."""


class Matcher:
    """The masks of one list of conditions, the last of which must cover everything (the default)."""

    __slots__ = ("_cause", "_delivery", "_final", "_initiator", "_placed", "_standing", "_status", "_terms", "masks")

    def __init__(self, conditions: Sequence[Condition]) -> None:
        named = [dict(condition) for condition in conditions]
        self.masks: Final[Mapping[str, Mapping[str, int]]] = {
            fact: {
                value: sum(1 << bit for bit, when in enumerate(named) if fact not in when or value in when[fact])
                for value in values
            }
            for fact, values in VOCABULARY.items()
        }
        self._status = self.masks["status"]
        self._delivery = self.masks["delivery"]
        self._cause = self.masks["cause"]
        self._initiator = self.masks["initiator"]
        self._terms = self.masks["terms"]
        self._standing = self.masks["standing"]
        self._placed = self.masks["since_placed"]
        self._final = self.masks["since_final"]

    def covering(self, facts: Facts) -> int:
        """Return the mask of all conditions that cover the facts; the default's bit is always set."""
        return (
            self._status[facts.status]
            & self._delivery[facts.delivery]
            & self._cause[facts.cause]
            & self._initiator[facts.initiator]
            & self._terms[facts.terms]
            & self._standing[facts.standing]
            & self._placed[facts.since_placed]
            & self._final[facts.since_final]
        )

    def first(self, facts: Facts) -> int:
        """Return the index of the first condition that covers the facts."""
        return lowest(self.covering(facts))


def lowest(mask: int) -> int:
    """Return the index of the lowest bit set in a mask that is not 0."""
    return (mask & -mask).bit_length() - 1
