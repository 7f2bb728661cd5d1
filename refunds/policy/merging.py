"""Many combinations as few rules: the cells of a grid that share a label, merged into boxes of values.

A box is one set of values for each axis. The boxes of a label are disjoint and hold exactly its cells. Which axis is
looked at first makes a difference to how many there are, so a few orders are tried and the shortest answer is taken.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from refunds.policy.grid import BOUND, FREE, Grid, Value
from refunds.policy.matching import AXES

Label = Hashable
"""What cells are told apart by; None for cells that are of no interest."""

_NOTHING: Final = 0
_IMPOSSIBLE: Final = 1
_Place = tuple[int, ...]

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
        count: how many combinations of values it holds.
    """

    label: Label
    values: Mapping[str, tuple[Value, ...]]
    count: int


def merge(grid: Grid, label: Callable[[tuple[int, ...]], Label]) -> list[Box]:
    """Return the boxes of all cells whose label, made from the deciding rule of each policy, is not None."""
    labels: dict[tuple[_Place, _Place], Label] = {}
    interesting = False
    for bound, free, rules in grid.deciders():
        labels[bound.place, free.place] = found = label(rules)
        interesting = interesting or found is not None
    if not interesting:
        return []
    counts = {bound.place: bound.count for bound in grid.bound}
    tried = [_boxes(grid, order, labels, counts) for order in _ORDERS]
    return min(tried, key=lambda boxes: (len(boxes), sum(len(box.values) for box in boxes)))


def _boxes(
    grid: Grid,
    order: Sequence[str],
    labels: Mapping[tuple[_Place, _Place], Label],
    counts: Mapping[_Place, int],
) -> list[Box]:
    tree = _Tree(grid, order, labels)
    found: list[Box] = []

    def descend(node: int, path: tuple[_Place, ...]) -> None:
        if len(path) == len(order):
            found.append(_box(grid, order, path, tree.labels[node], counts))
            return
        for classes, below in tree.branches[node]:
            if below != _NOTHING:
                descend(below, (*path, classes))

    descend(tree.node(()), ())
    return found


class _Tree:
    """The cells as a decision tree in one order of the axes. Equal subtrees are one node, a number."""

    def __init__(self, grid: Grid, order: Sequence[str], labels: Mapping[tuple[_Place, _Place], Label]) -> None:
        self.labels: Final[dict[int, Label]] = {}
        self.branches: Final[dict[int, tuple[tuple[_Place, int], ...]]] = {}
        self._numbers: dict[object, int] = {None: _NOTHING, "impossible": _IMPOSSIBLE}
        self._sizes = [len(grid.axes[axis]) for axis in order]
        self._bound = [order.index(axis) for axis in BOUND]
        self._free = [order.index(axis) for axis in FREE]
        self._cells = labels

    def node(self, path: _Place) -> int:
        """Return the node at the end of a path."""
        if len(path) == len(self._sizes):
            return self._leaf(path)
        below: dict[int, list[int]] = {}
        for place in range(self._sizes[len(path)]):
            below.setdefault(self.node((*path, place)), []).append(place)
        impossible = below.pop(_IMPOSSIBLE, [])
        if not below:
            return _IMPOSSIBLE
        if list(below) == [_NOTHING]:
            return _NOTHING
        if len(below) == 1:  # what can't be is taken along where that makes the fact not matter
            ((node, places),) = below.items()
            below = {node: sorted([*places, *impossible])}
        return self._number(tuple((tuple(places), node) for node, places in below.items()))

    def _leaf(self, path: _Place) -> int:
        bound = tuple(path[at] for at in self._bound)
        free = tuple(path[at] for at in self._free)
        if (bound, free) not in self._cells:
            return _IMPOSSIBLE
        label = self._cells[bound, free]
        if label is None:
            return _NOTHING
        number = self._numbers.setdefault(("label", label), len(self._numbers))
        self.labels[number] = label
        return number

    def _number(self, branches: tuple[tuple[_Place, int], ...]) -> int:
        number = self._numbers.setdefault(branches, len(self._numbers))
        self.branches[number] = branches
        return number


def _box(grid: Grid, order: Sequence[str], path: Sequence[_Place], label: Label, counts: Mapping[_Place, int]) -> Box:
    classes = dict(zip(order, path, strict=True))
    chosen = {
        axis: tuple(value for at in classes[axis] for value in grid.axes[axis][at].values)
        for axis in AXES
        if len(classes[axis]) < len(grid.axes[axis])
    }
    bound = sum(
        count
        for place, count in counts.items()
        if all(at in classes[axis] for axis, at in zip(BOUND, place, strict=True))
    )
    free = prod(sum(len(grid.axes[axis][at].values) for at in classes[axis]) for axis in FREE)
    return Box(label, chosen, bound * free)
