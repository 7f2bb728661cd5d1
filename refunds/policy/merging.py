"""Many combinations as few rules: the cells of a grid that share a label, merged into boxes of values.

A box is one set of values for each axis. The boxes of a label are disjoint and hold exactly its cells. Which axis is
looked at first makes a difference to how many there are, so a few orders are tried and the shortest answer is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from refunds.policy.facts import Delivery
from refunds.policy.grid import BOUND, FREE, Grid, Value
from refunds.policy.matching import AXES
from refunds.policy.trees import Label, Labeling, Path, TooFine, Tree

MOST_BOXES: Final = 2_000
"""More than anybody reads; there are that many only where clauses cut everything up at random."""

_MOST_PLACES: Final = 400_000  # a second or two, and some hundred megabytes
_TRIED_PLACES: Final = 60_000  # how much looking for a shorter answer is worth: a tenth of a second or two
_FEW: Final = 3

_ORDERS: Final = (
    AXES,
    ("status", "delivery", "age", "refill", "since_placed", "terms", "scope", "standing", "initiator", "cause"),
    ("standing", "scope", "terms", "status", "initiator", "cause", "delivery", "age", "refill", "since_placed"),
    ("cause", "initiator", "status", "delivery", "terms", "standing", "scope", "age", "refill", "since_placed"),
    ("status", "initiator", "cause", "delivery", "terms", "standing", "scope", "age", "refill", "since_placed"),
)


@dataclass(frozen=True, slots=True)
class Box:
    """Combinations with one label.

    Attributes:
        values: for each axis that matters its values; an axis that isn't named may be anything.
        rules: what decides in it: each delivery that can be, with the index of one rule for each policy.
        count: how many combinations of values it holds.
    """

    label: Label
    values: Mapping[str, tuple[Value, ...]]
    rules: frozenset[tuple[Delivery, tuple[int, ...]]]
    count: int


def merge(grid: Grid, labeling: Labeling) -> list[Box] | None:
    """Return the boxes of all cells whose label is not None; None when they would be more than MOST_BOXES."""
    tree = _shortest(grid, labeling)
    if tree is None or tree.size[0] > MOST_BOXES:
        return None
    return [_box(grid, tree, path, label) for path, label in tree.paths()]


def _shortest(grid: Grid, labeling: Labeling) -> Tree | None:
    """Return the tree in the best order of axes found: the best given one, improved by moving one axis at a time."""
    best: tuple[Tree, Sequence[str]] | None = None
    left = _TRIED_PLACES

    def improves(order: Sequence[str]) -> bool:
        """Try an order, and keep its tree if it is the best so far."""
        nonlocal best, left
        most = _MOST_PLACES if best is None else left
        try:
            tree = Tree(grid, order, labeling, most)
        except TooFine:
            left -= most
            return False
        left -= tree.visited + len(grid.possible)
        if best is not None and tree.size >= best[0].size:
            return False
        best = (tree, order)
        return True

    for given in _ORDERS:
        if best is None or left > 0:
            improves(given)
    improving = best is not None
    while improving:
        improving = False
        for axis, place in product(AXES, range(len(AXES))):
            if best is None or left <= 0 or best[0].size[0] <= _FEW:
                improving = False
                break
            others = [one for one in best[1] if one != axis]
            order = (*others[:place], axis, *others[place:])
            if order != tuple(best[1]) and improves(order):
                improving = True
    return best and best[0]


def _box(grid: Grid, tree: Tree, path: Path, label: Label) -> Box:
    values = {
        axis: tuple(value for at in path[axis] for value in grid.axes[axis][at].values) for axis in AXES if axis in path
    }
    rules = frozenset(
        (delivery, tuple(grid.index(which, bit) for which, bit in enumerate(found)))
        for delivery, found in tree.rules(path)
    )
    return Box(label, values, rules, _bound_count(grid, path) * _free_count(grid, path))


def _bound_count(grid: Grid, path: Path) -> int:
    named = [(at, frozenset(path[axis])) for at, axis in enumerate(BOUND) if axis in path]
    return sum(count for place, count in grid.possible.items() if all(place[at] in places for at, places in named))


def _free_count(grid: Grid, path: Path) -> int:
    return prod(
        sum(len(grid.axes[axis][at].values) for at in path.get(axis, range(len(grid.axes[axis])))) for axis in FREE
    )
