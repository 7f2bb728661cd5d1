"""A grid's cells as a decision tree: axis by axis, down to where only one label is left, with equal parts made one.

A place in the tree is known by the rules that may still decide there (a mask), and by which combinations of classes can
still be. Where all these rules come to the same, nothing below is looked at. So a tree costs as much as a policy is
complicated, not as much as there are cells.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Final

from refunds.policy.coverage import bits
from refunds.policy.facts import Delivery
from refunds.policy.grid import BOUND, Grid, Place
from refunds.policy.matching import lowest

Label = Hashable
"""What cells are told apart by; None for cells that are of no interest."""

Path = Mapping[str, Place]
"""The classes on each axis that lead to a label; an axis that isn't named may be anything."""

NOTHING: Final = 0
IMPOSSIBLE: Final = 1
_FIRST_FREE: Final = 2
_NEVER: Final = 0  # the shape of what can't be
_END: Final = 1  # the shape of what can be, when all bound axes are known


class TooFine(Exception):
    """The tree has more places than it may have; nothing is known then."""


class Labeling:
    """What rules come to, and the labels that follow from it.

    `outcome` says what a rule of a policy (index of the policy, of the rule) comes to at a delivery; `label` makes a
    label of the outcomes, one for each policy.
    """

    def __init__(
        self,
        grid: Grid,
        outcome: Callable[[int, int, Delivery], Hashable],
        label: Callable[[tuple[Hashable, ...]], Label],
    ) -> None:
        self._label = label
        self._parts = grid.parts
        self._outcomes: dict[int, dict[Delivery, Hashable]] = {
            bit: {delivery: outcome(which, grid.index(which, bit), delivery) for delivery in Delivery}
            for which, part in enumerate(grid.parts)
            for bit in bits(part)
        }
        self._alike: dict[Delivery | None, list[int]] = {
            delivery: self._grouped(delivery) for delivery in (None, *Delivery)
        }
        self._labels: dict[tuple[Delivery | None, tuple[int, ...]], tuple[bool, Label]] = {}

    def of(self, delivery: Delivery | None, mask: int) -> tuple[bool, Label]:
        """Return whether the rules of a mask come to one label, whichever of them decides, and this label.

        `delivery` is None where it is not known yet.
        """
        alike = self._alike[delivery]
        firsts = []
        for part in self._parts:
            own = mask & part
            first = lowest(own)
            if own & ~alike[first]:
                return False, None
            firsts.append(first)
        key = (delivery, tuple(firsts))
        if key not in self._labels:
            deliveries = Delivery if delivery is None else (delivery,)
            labels = {self._label(tuple(self._outcomes[first][one] for first in firsts)) for one in deliveries}
            self._labels[key] = (len(labels) == 1, next(iter(labels)))
        return self._labels[key]

    def _grouped(self, delivery: Delivery | None) -> list[int]:
        """Return for each rule the mask of those that come to the same."""
        masks: dict[Hashable, int] = {}
        keys: list[Hashable] = []
        for bit in range(len(self._outcomes)):
            of = self._outcomes[bit]
            key = tuple(of.values()) if delivery is None else of[delivery]
            keys.append(key)
            masks[key] = masks.get(key, 0) | 1 << bit
        return [masks[key] for key in keys]


class Shapes:
    """Which classes of the bound axes can be together, as a tree in one order; equal subtrees are one number."""

    def __init__(self, grid: Grid, order: Sequence[str]) -> None:
        self.below: Final[dict[int, tuple[int, ...]]] = {}
        self._numbers: dict[tuple[int, ...], int] = {}
        self._levels = [(BOUND.index(axis), len(grid.axes[axis])) for axis in order if axis in BOUND]
        self.root: Final = self._shape(0, list(grid.possible))

    def _shape(self, level: int, places: list[Place]) -> int:
        if not places:
            return _NEVER
        if level == len(self._levels):
            return _END
        at, size = self._levels[level]
        parts: list[list[Place]] = [[] for _ in range(size)]
        for place in places:
            parts[place[at]].append(place)
        below = tuple(self._shape(level + 1, part) for part in parts)
        number = self._numbers.setdefault(below, len(self._numbers) + _END + 1)
        self.below[number] = below
        return number


class Tree:
    """The cells of a grid in one order of the axes. Equal subtrees are one node, a number.

    An axis on which nothing depends has no node. What can't be is taken along where that makes the fact not matter.

    Attributes:
        visited: how many places were looked at.
        size: how many paths lead to labels, and how many axes these name together: less is better.
    """

    def __init__(self, grid: Grid, order: Sequence[str], labeling: Labeling, most_places: int) -> None:
        """Build it; raises TooFine when more than `most_places` places are to be looked at."""
        self._order = tuple(order)
        self._parts = grid.parts
        self._masks = [[one.mask for one in grid.axes[axis]] for axis in order]
        self._is_bound = [axis in BOUND for axis in order]
        self._delivery_at = self._order.index("delivery")
        self._deliveries = [one.values[0] for one in grid.axes["delivery"]]
        self._certain = self._certainties()
        self._shapes = Shapes(grid, order)
        self._labeling = labeling
        self._most = most_places
        self._places: dict[tuple[int, int, Delivery | None, int], int] = {}
        self._numbers: dict[object, int] = {}
        self._labels: dict[int, Label] = {}
        self._nodes: dict[int, tuple[int, tuple[tuple[Place, int], ...]]] = {}
        self.visited = 0
        self._root = self._node(0, self._shapes.root, None, sum(self._parts))
        self.size: Final = self._measured()

    def paths(self) -> Iterator[tuple[Path, Label]]:
        """Yield each way to a label."""
        yield from self._descend(self._root, {})

    def rules(self, path: Path) -> frozenset[tuple[Delivery, tuple[int, ...]]]:
        """Return who decides somewhere on a path: a delivery, and one bit for each policy."""
        found: set[tuple[Delivery, tuple[int, ...]]] = set()
        seen: set[tuple[int, int, Delivery | None, int]] = set()

        def look(depth: int, shape: int, delivery: Delivery | None, mask: int) -> None:
            kept = self._pruned(depth, mask)
            key = (depth, shape, delivery, kept)
            if shape == _NEVER or key in seen:
                return
            seen.add(key)
            if delivery is not None and kept.bit_count() == len(self._parts):
                found.add((delivery, tuple(lowest(kept & part) for part in self._parts)))
                return
            masks = self._masks[depth]
            for place in path.get(self._order[depth], range(len(masks))):
                known = self._deliveries[place] if depth == self._delivery_at else delivery
                look(depth + 1, self._shape_below(depth, shape, place), known, kept & masks[place])

        look(0, self._shapes.root, None, sum(self._parts))
        return frozenset(found)

    def _node(self, depth: int, shape: int, delivery: Delivery | None, mask: int) -> int:
        """Return the node for a place: how many axes are known, what can still be, and what may still decide."""
        if shape == _NEVER:
            return IMPOSSIBLE
        mask = self._pruned(depth, mask)
        key = (depth, shape, delivery, mask)
        known = self._places.get(key)
        if known is not None:
            return known
        self.visited += 1
        if self.visited > self._most:
            raise TooFine
        is_one, label = self._labeling.of(delivery, mask)
        found = self._leaf(label) if is_one else self._branching(depth, shape, delivery, mask)
        self._places[key] = found
        return found

    def _branching(self, depth: int, shape: int, delivery: Delivery | None, mask: int) -> int:
        below: dict[int, list[int]] = {}
        for place, of_class in enumerate(self._masks[depth]):
            known = self._deliveries[place] if depth == self._delivery_at else delivery
            node = self._node(depth + 1, self._shape_below(depth, shape, place), known, mask & of_class)
            below.setdefault(node, []).append(place)
        below.pop(IMPOSSIBLE, None) if len(below) > 1 else None
        if len(below) == 1:
            return next(iter(below))
        branches = (depth, tuple((tuple(places), node) for node, places in below.items()))
        number = self._numbers.setdefault(branches, len(self._numbers) + _FIRST_FREE)
        self._nodes[number] = branches
        return number

    def _leaf(self, label: Label) -> int:
        if label is None:
            return NOTHING
        number = self._numbers.setdefault(("label", label), len(self._numbers) + _FIRST_FREE)
        self._labels[number] = label
        return number

    def _shape_below(self, depth: int, shape: int, place: int) -> int:
        return self._shapes.below[shape][place] if self._is_bound[depth] else shape

    def _certainties(self) -> list[int]:
        """Return for each depth the rules that cover everything on the axes from there on."""
        found = [sum(self._parts)]
        for masks in reversed(self._masks):
            everywhere = found[-1]
            for mask in masks:
                everywhere &= mask
            found.append(everywhere)
        return found[::-1]

    def _pruned(self, depth: int, mask: int) -> int:
        """Return the mask without the rules behind one that is certain to cover what is left."""
        certain = self._certain[depth] & mask
        kept = 0
        for part in self._parts:
            own = certain & part  # the default is always certain
            kept |= mask & part & (((own & -own) << 1) - 1)
        return kept

    def _descend(self, node: int, path: dict[str, Place]) -> Iterator[tuple[Path, Label]]:
        if node in self._labels:
            yield dict(path), self._labels[node]
        elif node > IMPOSSIBLE:
            depth, branches = self._nodes[node]
            for places, below in branches:
                yield from self._descend(below, {**path, self._order[depth]: places})

    def _measured(self) -> tuple[int, int]:
        sizes: dict[int, tuple[int, int]] = {NOTHING: (0, 0), IMPOSSIBLE: (0, 0), **dict.fromkeys(self._labels, (1, 0))}
        for node, (_, branches) in self._nodes.items():  # those below a node were made before it
            below = [sizes[one] for _, one in branches]
            paths = sum(count for count, _ in below)
            sizes[node] = (paths, sum(named for _, named in below) + paths)
        return sizes[self._root]
