"""The space of facts, folded as far as some policies can't tell its values apart, so that all of it can be walked.

Each axis is one fact. Values of an axis that every clause of every policy treats alike form one class, and a cell is
one class of each axis. Status, delivery and standing are never folded, because properties compare along them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, Final

from refunds.policy import scopes
from refunds.policy.document import Policy
from refunds.policy.facts import (
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
from refunds.policy.matching import AXES, boundaries, lowest
from refunds.policy.space import bound_samples

BOUND: Final = ("status", "delivery", "since_placed", "age", "refill")
FREE: Final = ("cause", "initiator", "terms", "standing", "scope")
MOST_CELLS: Final = 500_000

_NEVER_FOLDED: Final = ("status", "delivery", "standing")
_ANY: Final = Facts(Status.PENDING, Delivery.NONE, Cause.DELIVERED, Initiator.SYSTEM)

Value = Any
"""A value on an axis: a word of the vocabulary, hours or None for `age`, (service, category) for `scope`."""


@dataclass(frozen=True, slots=True)
class AxisClass:
    """Values of one axis that no clause tells apart, and the mask of the clauses that they go with for each policy."""

    values: tuple[Value, ...]
    masks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """One possible combination of the classes of the BOUND axes.

    Attributes:
        place: the index of the class on each of these axes.
        sample: facts of this combination; their free facts mean nothing.
        count: how many combinations of values it stands for.
        masks: of the clauses, for each policy.
    """

    place: tuple[int, ...]
    sample: Facts
    count: int
    masks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Free:
    """One combination of the classes of the FREE axes; the fields are those of Bound."""

    place: tuple[int, ...]
    sample: Facts
    count: int
    masks: tuple[int, ...]


class Grid:
    """The folded space of one policy, or of several that are compared."""

    def __init__(self, *policies: Policy) -> None:
        self.policies: Final = policies
        self.axes: Final = {axis: self._classes(axis) for axis in AXES}

    @cached_property
    def bound(self) -> list[Bound]:
        """The possible combinations of facts that exclude each other."""
        place_of = [self._places(axis) for axis in BOUND]
        samples: dict[tuple[int, ...], Facts] = {}
        counts: dict[tuple[int, ...], int] = {}
        for facts in bound_samples(self.policies):
            values = (facts.status, facts.delivery, facts.since_placed, facts.hours_since_final, facts.refill)
            place = tuple(places[value] for places, value in zip(place_of, values, strict=True))
            samples.setdefault(place, facts)
            counts[place] = counts.get(place, 0) + 1
        return [
            Bound(place, facts, counts[place], self._masks(BOUND, place))  # in the order in which they came
            for place, facts in samples.items()
        ]

    @cached_property
    def free(self) -> list[Free]:
        """The combinations of the facts that go with any others."""
        sizes = [range(len(self.axes[axis])) for axis in FREE]
        return [
            Free(place, self._free_sample(place), self._size(place), self._masks(FREE, place))
            for place in product(*sizes)
        ]

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.bound) * len(self.free)

    def walk(self) -> Iterator[tuple[Bound, Free, tuple[int, ...]]]:
        """Yield every cell with the mask of the clauses that cover it, for each policy."""
        for bound in self.bound:
            for free in self.free:
                yield bound, free, tuple(a & b for a, b in zip(bound.masks, free.masks, strict=True))

    def deciders(self) -> Iterator[tuple[Bound, Free, tuple[int, ...]]]:
        """Yield every cell with the index of the rule that decides it, for each policy."""
        for bound, free, masks in self.walk():
            yield bound, free, tuple(lowest(mask) for mask in masks)

    def _classes(self, axis: str) -> tuple[AxisClass, ...]:
        found: dict[tuple[object, ...], list[Value]] = {}
        masks: dict[tuple[object, ...], tuple[int, ...]] = {}
        for value in self._values(axis):
            facts = with_value(_ANY, axis, value)
            of_each = tuple(policy.matcher.mask(axis, facts) for policy in self.policies)
            key = (of_each, value) if axis in _NEVER_FOLDED else (of_each,)
            found.setdefault(key, []).append(value)
            masks[key] = of_each
        return tuple(AxisClass(tuple(values), masks[key]) for key, values in found.items())

    def _values(self, axis: str) -> Sequence[Value]:
        if axis == "age":
            bounds = boundaries([rule.when for policy in self.policies for rule in policy.rules])
            return (None, 0, *(hours + 1 for hours in bounds))
        if axis == "scope":
            return scopes.samples(policy.scopes for policy in self.policies)
        return list(_ENUMS[axis])

    def _places(self, axis: str) -> dict[Value, int]:
        return {value: place for place, one in enumerate(self.axes[axis]) for value in one.values}

    def _masks(self, axes: Sequence[str], place: tuple[int, ...]) -> tuple[int, ...]:
        found = [-1] * len(self.policies)
        for axis, at in zip(axes, place, strict=True):
            for which, mask in enumerate(self.axes[axis][at].masks):
                found[which] &= mask
        return tuple(found)

    def _size(self, place: tuple[int, ...]) -> int:
        return prod(len(self.axes[axis][at].values) for axis, at in zip(FREE, place, strict=True))

    def _free_sample(self, place: tuple[int, ...]) -> Facts:
        facts = _ANY
        for axis, at in zip(FREE, place, strict=True):
            facts = with_value(facts, axis, self.axes[axis][at].values[0])
        return facts


_ENUMS: Final[dict[str, Any]] = {
    "status": Status,
    "delivery": Delivery,
    "cause": Cause,
    "initiator": Initiator,
    "terms": Terms,
    "standing": Standing,
    "since_placed": SincePlaced,
    "refill": Refill,
}


def with_value(facts: Facts, axis: str, value: Value) -> Facts:
    """Return the facts with another value on one axis."""
    if axis == "age":
        return replace(facts, hours_since_final=value)
    if axis == "scope":
        return replace(facts, service=value[0], category=value[1])
    return replace(facts, **{axis: value})
