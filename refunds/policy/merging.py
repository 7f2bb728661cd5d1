"""Many combinations as few rules: the cells of a grid that share a label, merged into boxes of values.

A box is one set of values for each axis. The boxes of a label are disjoint and hold exactly its cells. Which axis is
looked at first makes a difference to how many there are, so a few orders are tried and the shortest answer is taken.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from refunds.policy.facts import Facts
from refunds.policy.grid import BOUND, FREE, Grid, Value
from refunds.policy.matching import AXES

Label = Hashable
"""What cells are told apart by; None for cells that are of no interest."""

_TRIED_CELLS: Final = 60_000  # how much looking for a shorter answer is worth: a tenth of a second or two
_FEW: Final = 3
_NOTHING: Final = 0
_IMPOSSIBLE: Final = 1
_Place = tuple[int, ...]
_Cell = tuple[_Place, _Place]
_Path = Mapping[str, _Place]

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
        rules: what decides in it: each combination of one rule's index for each policy.
        count: how many combinations of values it holds.
    """

    label: Label
    values: Mapping[str, tuple[Value, ...]]
    rules: frozenset[tuple[int, ...]]
    count: int


def merge(grid: Grid, label: Callable[[Facts, tuple[int, ...]], Label]) -> list[Box]:
    """Return the boxes of all cells whose label is not None.

    `label` is asked with facts of which status, delivery, ages and refill are those of the cell, and with the index of
    the rule that decides it, for each policy.
    """
    cells: dict[_Cell, tuple[int, ...]] = {}
    labels: dict[_Cell, Label] = {}
    for bound, free, rules in grid.deciders():
        cells[bound.place, free.place] = rules
        labels[bound.place, free.place] = label(bound.sample, rules)
    if all(found is None for found in labels.values()):
        return []
    return [_box(grid, path, found, cells) for path, found in _shortest(grid, labels)]


def _shortest(grid: Grid, labels: Mapping[_Cell, Label]) -> list[tuple[_Path, Label]]:
    """Return the ways of the best order of axes found: the best given one, improved by moving one axis at a time."""
    tries = _TRIED_CELLS // max(len(labels), 1)

    def measured(order: Sequence[str]) -> tuple[tuple[int, int], Sequence[str], list[tuple[_Path, Label]]]:
        paths = _paths(grid, order, labels)
        return (len(paths), sum(_named(grid, path) for path, _ in paths)), order, paths

    best = min((measured(order) for order in _ORDERS), key=lambda one: one[0])
    improving = True
    while improving:
        improving = False
        for axis, place in product(AXES, range(len(AXES))):
            others = [one for one in best[1] if one != axis]
            order = (*others[:place], axis, *others[place:])
            if tries <= 0 or best[0][0] <= _FEW:
                return best[2]
            if order == tuple(best[1]):
                continue
            tries -= 1
            found = measured(order)
            if found[0] < best[0]:
                best, improving = found, True
    return best[2]


def _paths(grid: Grid, order: Sequence[str], labels: Mapping[_Cell, Label]) -> list[tuple[_Path, Label]]:
    """Return the classes of each axis that lead to a label, and the label, for each way through the tree."""
    tree = _Tree(grid, order, labels)
    found: list[tuple[_Path, Label]] = []

    def descend(node: int, path: tuple[_Place, ...]) -> None:
        if len(path) == len(order):
            found.append((dict(zip(order, path, strict=True)), tree.labels[node]))
            return
        for classes, below in tree.branches[node]:
            if below != _NOTHING:
                descend(below, (*path, classes))

    descend(tree.node(()), ())
    return found


class _Tree:
    """The cells as a decision tree in one order of the axes. Equal subtrees are one node, a number."""

    def __init__(self, grid: Grid, order: Sequence[str], labels: Mapping[_Cell, Label]) -> None:
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


def _named(grid: Grid, path: _Path) -> int:
    """Count the axes that matter on a path."""
    return sum(len(classes) < len(grid.axes[axis]) for axis, classes in path.items())


def _box(grid: Grid, path: _Path, label: Label, cells: Mapping[_Cell, tuple[int, ...]]) -> Box:
    chosen = {
        axis: tuple(value for at in path[axis] for value in grid.axes[axis][at].values)
        for axis in AXES
        if len(path[axis]) < len(grid.axes[axis])
    }
    bound = [one for one in grid.bound if _is_on(path, BOUND, one.place)]
    free = [one for one in grid.free if _is_on(path, FREE, one.place)]
    return Box(
        label,
        chosen,
        frozenset(cells[left.place, right.place] for left in bound for right in free),
        sum(one.count for one in bound) * sum(one.count for one in free),
    )


def _is_on(path: _Path, axes: Sequence[str], place: _Place) -> bool:
    return all(at in path[axis] for axis, at in zip(axes, place, strict=True))
