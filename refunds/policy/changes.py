"""The combinations that come out otherwise under another policy: how many, and as rules."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeVar, cast

from refunds.policy import merging
from refunds.policy.analysis import Row, row
from refunds.policy.coverage import Coverage
from refunds.policy.describing import Describer
from refunds.policy.document import Policy
from refunds.policy.facts import Delivery
from refunds.policy.grid import Grid, Place
from refunds.policy.outcomes import Direction, Outcome, direction, outcome, outcome_at
from refunds.policy.trees import Labeling

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Change:
    """Combinations of facts that come out otherwise.

    Attributes:
        row: which ones, in words.
        before, after: what follows.
        clauses_before, clauses_after: ids of the clauses that decide.
    """

    row: Row
    before: Outcome
    after: Outcome
    clauses_before: tuple[str, ...]
    clauses_after: tuple[str, ...]
    direction: Direction


@dataclass(frozen=True, slots=True)
class Counts:
    """How many combinations there are, come out otherwise, and come out alike by a clause of another name."""

    combinations: int
    changed: int
    moved: int


def count(coverage: Coverage) -> Counts:
    """Count what changes between the two policies of the coverage."""
    alike = named = 0
    groups = Counter((bound.masks, bound.facts.delivery) for bound in coverage.bound)
    for (masks, delivery), count in groups.items():
        by_outcome: list[defaultdict[Outcome, int]] = []
        by_name: list[defaultdict[tuple[Outcome, str], int]] = []
        for which, policy in enumerate(coverage.policies):
            outcomes, names = defaultdict[Outcome, int](int), defaultdict[tuple[Outcome, str], int](int)
            for rule, free in coverage.decided(which, masks[which]):
                clause = policy.rules[rule]
                comes_to = outcome_at(clause, delivery)
                outcomes[comes_to] |= free
                names[comes_to, clause.id] |= free
            by_outcome.append(outcomes)
            by_name.append(names)
        alike += count * _common(*by_outcome)
        named += count * _common(*by_name)
    return Counts(coverage.combinations, coverage.combinations - alike, alike - named)


def _common(before: Mapping[_Key, int], after: Mapping[_Key, int]) -> int:
    """Count the bits that have the same key before and after."""
    return sum((free & after.get(key, 0)).bit_count() for key, free in before.items())


def find(coverage: Coverage) -> tuple[Change, ...]:
    """Return what comes out otherwise as rules, what stands for most combinations first."""
    old, new = coverage.policies
    grid, words = Grid(old, new), Describer(coverage.policies)

    def comes_to(which: int, rule: int, delivery: Delivery) -> tuple[Outcome, Outcome]:
        clause = coverage.policies[which].rules[rule]
        return outcome_at(clause, delivery), outcome(clause)

    def label(outcomes: tuple[Hashable, ...]) -> tuple[Outcome, Outcome] | None:
        before, after = cast("tuple[tuple[Outcome, Outcome], ...]", outcomes)  # what `comes_to` made
        return None if before[0] == after[0] else (before[1], after[1])

    boxes = merging.merge(grid, Labeling(grid, comes_to, label))
    found = _by_clause(coverage) if boxes is None else [_change(row(words, box), box.rules, old, new) for box in boxes]
    return tuple(sorted(found, key=lambda change: -change.row.combinations))


def _by_clause(coverage: Coverage) -> list[Change]:
    """Return a change for each two clauses that decide before and after, for where rules would be too many to read."""
    old, new = coverage.policies
    counts: Counter[tuple[int, int]] = Counter()
    deliveries: defaultdict[tuple[int, int], set[Delivery]] = defaultdict(set)
    groups = Counter((bound.masks, bound.facts.delivery) for bound in coverage.bound)
    for (masks, delivery), count in groups.items():
        decided = [coverage.decided(which, mask) for which, mask in enumerate(masks)]
        for (first, free), (second, other) in product(*decided):
            both = free & other
            if both and outcome_at(old.rules[first], delivery) != outcome_at(new.rules[second], delivery):
                counts[first, second] += count * both.bit_count()
                deliveries[first, second].add(delivery)
    return [
        _change(
            Row((("Decided by", old.rules[first].id), ("Then by", new.rules[second].id)), count),
            frozenset((delivery, (first, second)) for delivery in deliveries[first, second]),
            old,
            new,
        )
        for (first, second), count in counts.items()
    ]


def _change(row: Row, rules: Iterable[tuple[Delivery, Place]], old: Policy, new: Policy) -> Change:
    found = [(delivery, first, second) for delivery, (first, second) in rules]
    before = [old.rules[first] for first in sorted({first for _, first, _ in found})]
    after = [new.rules[second] for second in sorted({second for _, _, second in found})]
    return Change(
        row=row,
        before=outcome(before[0]),  # what follows is the same for all of them
        after=outcome(after[0]),
        clauses_before=tuple(clause.id for clause in before),
        clauses_after=tuple(clause.id for clause in after),
        direction=direction((delivery, old.rules[first], new.rules[second]) for delivery, first, second in found),
    )
