"""Which rule decides where, with sets of bits: quick and exact, however finely the policies tell facts apart.

The facts that go with any others (`FREE`) are a bit each of one whole number, so a clause's set of them is a number,
and where it decides is one AND. That is done for each combination of the facts that exclude each other (`Bound`). So a
proof takes some thousand operations on whole numbers, and no walk over hundreds of thousands of combinations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Final

from refunds.policy.document import Policy
from refunds.policy.facts import Cause, Facts, Initiator, Standing, Terms
from refunds.policy.grid import BOUND, FREE, Value, with_value
from refunds.policy.matching import lowest
from refunds.policy.scopes import samples as places
from refunds.policy.space import bound_samples, joined

_KEPT: Final = 256

Decided = tuple[tuple[int, int], ...]
"""Who decides among free combinations: (index of the rule, set of bits), without the rules that decide nothing."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One possible combination of the facts that exclude each other; its free facts mean nothing.

    Attributes:
        masks: the rules that cover it, for each policy.
    """

    facts: Facts
    masks: tuple[int, ...]


class Coverage:
    """Where the rules of one policy, or of several that are compared, decide.

    Attributes:
        free: for each policy and each of its rules the set of free combinations that it covers.
        everything: the set of all free combinations.
    """

    def __init__(self, *policies: Policy) -> None:
        self.policies: Final = policies
        self._values: Final[dict[str, list[Value]]] = {
            "cause": list(Cause),
            "initiator": list(Initiator),
            "terms": list(Terms),
            "standing": list(Standing),
            "scope": places(policy.scopes for policy in policies),
        }
        self._sizes: Final = [len(self._values[axis]) for axis in FREE]
        self.everything: Final = (1 << prod(self._sizes)) - 1
        self._stripes: Final = {axis: self._stripes_of(axis) for axis in FREE}
        self._any = next(iter(bound_samples(())))
        self.bound: Final = [
            Bound(facts, tuple(_bound_mask(policy, facts) for policy in policies)) for facts in bound_samples(policies)
        ]
        self.free: Final = [self._covered(policy) for policy in policies]
        self.decided: Final = lru_cache(maxsize=_KEPT)(self._decided)

    @property
    def combinations(self) -> int:
        """How many combinations of facts there are."""
        return len(self.bound) * self.everything.bit_count()

    def facts(self, bound: Bound, free: int) -> Facts:
        """Return the first combination of a set of free ones, as facts."""
        at, found = lowest(free), self._any
        for axis, size in zip(reversed(FREE), reversed(self._sizes), strict=True):
            at, place = divmod(at, size)
            found = with_value(found, axis, self._values[axis][place])
        return joined(bound.facts, found)

    def moved(self, free: int, axis: str, value: Value, to: Value) -> int:
        """Return the part of a set that has a value on one axis, moved to another value of that axis."""
        first, second = self._values[axis].index(value), self._values[axis].index(to)
        step = prod(self._sizes[FREE.index(axis) + 1 :])
        part = free & self._stripes[axis][first]
        return part >> (first - second) * step if first >= second else part << (second - first) * step

    def _decided(self, which: int, mask: int) -> Decided:
        """Return who decides under one policy where the rules of a mask cover the bound facts."""
        found, remaining = [], self.everything
        for rule in bits(mask):
            taken = remaining & self.free[which][rule]
            if taken:
                found.append((rule, taken))
                remaining ^= taken
        return tuple(found)

    def _covered(self, policy: Policy) -> list[int]:
        covered = [self.everything] * len(policy.rules)
        for axis in FREE:
            on_axis = [0] * len(policy.rules)
            for value, stripe in zip(self._values[axis], self._stripes[axis], strict=True):
                for rule in bits(policy.matcher.mask(axis, with_value(self._any, axis, value))):
                    on_axis[rule] |= stripe
            covered = [before & now for before, now in zip(covered, on_axis, strict=True)]
        return covered

    def _stripes_of(self, axis: str) -> list[int]:
        """Return for each value of an axis the set of the combinations that have it."""
        at = FREE.index(axis)
        inner, size, outer = prod(self._sizes[at + 1 :]), self._sizes[at], prod(self._sizes[:at])
        first = ((1 << inner) - 1) * sum(1 << place * inner * size for place in range(outer))
        return [first << place * inner for place in range(size)]


def _bound_mask(policy: Policy, facts: Facts) -> int:
    """Return the rules that cover facts whatever the free ones among them are."""
    mask = -1
    for axis in BOUND:
        mask &= policy.matcher.mask(axis, facts)
    return mask


def bits(mask: int) -> Iterator[int]:
    """Yield the indices of the bits that are set, rising."""
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit
