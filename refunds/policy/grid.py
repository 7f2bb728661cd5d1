"""The space of facts, folded as far as some policies can't tell its values apart.

Each axis is one fact. Values of an axis that every clause of every policy treats alike form one class, and a cell is
one class of each axis. Status, delivery and standing are never folded, because properties compare along them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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
from refunds.policy.matching import AXES, boundaries
from refunds.policy.space import bound_samples

BOUND: Final = ("status", "delivery", "since_placed", "age", "refill")
FREE: Final = ("cause", "initiator", "terms", "standing", "scope")

_NEVER_FOLDED: Final = ("status", "delivery", "standing")
_ANY: Final = Facts(Status.PENDING, Delivery.NONE, Cause.DELIVERED, Initiator.SYSTEM)

Value = Any
"""A value on an axis: a word of the vocabulary, hours or None for `age`, (service, category) for `scope`."""

Place = tuple[int, ...]
"""Indices of classes, one for each of some axes."""


@dataclass(frozen=True, slots=True)
class AxisClass:
    """Values of one axis that no clause tells apart, and the mask of the rules that they go with.

    The mask holds the rules of all policies of the grid, those of the second above those of the first.
    """

    values: tuple[Value, ...]
    mask: int


class Grid:
    """The folded space of one policy, or of several that are compared.

    Attributes:
        parts: for each policy the mask of its rules.
    """

    def __init__(self, *policies: Policy) -> None:
        self.policies: Final = policies
        self._firsts: Final = [sum(len(one.rules) for one in policies[:place]) for place in range(len(policies))]
        self.parts: Final = tuple(
            (1 << len(policy.rules)) - 1 << first for first, policy in zip(self._firsts, policies, strict=True)
        )
        self.axes: Final = {axis: self._classes(axis) for axis in AXES}

    @cached_property
    def possible(self) -> dict[Place, int]:
        """The combinations of classes of the BOUND axes that can be, with how many combinations of values each is."""
        place_of = [
            {value: place for place, one in enumerate(self.axes[axis]) for value in one.values} for axis in BOUND
        ]
        found: dict[Place, int] = {}
        for facts in bound_samples(self.policies):
            values = (facts.status, facts.delivery, facts.since_placed, facts.hours_since_final, facts.refill)
            place = tuple(places[value] for places, value in zip(place_of, values, strict=True))
            found[place] = found.get(place, 0) + 1
        return found

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.possible) * prod(len(self.axes[axis]) for axis in FREE)

    def index(self, which: int, bit: int) -> int:
        """Return the index in the rules of a policy that a bit of the masks stands for."""
        return bit - self._firsts[which]

    def _classes(self, axis: str) -> tuple[AxisClass, ...]:
        found: dict[tuple[object, ...], list[Value]] = {}
        for value in self._values(axis):
            facts = with_value(_ANY, axis, value)
            mask = sum(
                policy.matcher.mask(axis, facts) << first
                for policy, first in zip(self.policies, self._firsts, strict=True)
            )
            key = (mask, value) if axis in _NEVER_FOLDED else (mask,)
            found.setdefault(key, []).append(value)
        return tuple(AxisClass(tuple(values), key[0]) for key, values in found.items())  # type: ignore[arg-type]

    def _values(self, axis: str) -> Sequence[Value]:
        if axis == "age":
            bounds = boundaries([rule.when for policy in self.policies for rule in policy.rules])
            return (None, 0, *(hours + 1 for hours in bounds))
        if axis == "scope":
            return scopes.samples(policy.scopes for policy in self.policies)
        return list(_ENUMS[axis])


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
