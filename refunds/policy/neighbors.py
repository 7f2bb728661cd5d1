"""Who decides where under one policy, and who decides when one fact is another: each pair with an example."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from refunds.policy.facts import Delivery, Facts, Standing
from refunds.policy.grid import FREE, Bound, Free, Grid
from refunds.policy.space import FINAL, joined

RISING: Final = (Delivery.ALL, Delivery.SOME, Delivery.NONE)
"""From nothing undelivered to everything."""

_STANDING: Final = FREE.index("standing")


@dataclass(frozen=True, slots=True)
class Decides:
    """A rule decides somewhere: at which delivery, of an order that has ended or not."""

    rule: int
    delivery: Delivery
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Two rules that decide the same but for the delivery: `more` at `delivery`, `less` where less is delivered."""

    more: int
    delivery: Delivery
    less: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two rules that decide the same but for the standing: of a doubted customer, and of a clear one."""

    doubted: int
    clear: int
    delivery: Delivery


class Neighbors:
    """What one walk over the grid finds. Each dictionary holds an example of the facts: of a pair, the first one's."""

    def __init__(self, grid: Grid) -> None:
        rules = {(bound.place, free.place): rule for bound, free, (rule,) in grid.deciders()}
        self.decides: Final[dict[Decides, Facts]] = {}
        self.steps: Final[dict[Step, Facts]] = {}
        self.doubts: Final[dict[Doubt, Facts]] = {}
        for bound in grid.bound:
            for free in grid.free:
                where = Decides(rules[bound.place, free.place], bound.sample.delivery, bound.sample.status in FINAL)
                if where not in self.decides:
                    self.decides[where] = joined(bound.sample, free.sample)
        for bound, less in _steps(grid):
            for free in grid.free:
                step = Step(rules[bound.place, free.place], bound.sample.delivery, rules[less, free.place])
                if step not in self.steps:
                    self.steps[step] = joined(bound.sample, free.sample)
        for doubted, clear in _doubts(grid):
            for bound in grid.bound:
                doubt = Doubt(rules[bound.place, doubted.place], rules[bound.place, clear], bound.sample.delivery)
                if doubt not in self.doubts:
                    self.doubts[doubt] = joined(bound.sample, doubted.sample)


def _steps(grid: Grid) -> Iterator[tuple[Bound, tuple[int, ...]]]:
    """Yield each bound cell with the place at which all is alike but that less is delivered, where that can be."""
    delivery_at = {one.values[0]: place for place, one in enumerate(grid.axes["delivery"])}
    next_place = {delivery_at[more]: delivery_at[less] for more, less in pairwise(RISING)}
    places = {bound.place for bound in grid.bound}
    for bound in grid.bound:
        status, delivered, *rest = bound.place
        if delivered in next_place:
            less = (status, next_place[delivered], *rest)
            if less in places:
                yield bound, less


def _doubts(grid: Grid) -> Iterator[tuple[Free, tuple[int, ...]]]:
    """Yield each free cell of a doubted customer with the place at which all is alike but that he is clear."""
    clear = next(place for place, one in enumerate(grid.axes["standing"]) if one.values == (Standing.CLEAR,))
    for free in grid.free:
        if free.place[_STANDING] != clear:
            yield free, (*free.place[:_STANDING], clear, *free.place[_STANDING + 1 :])
