"""Proving a policy by trying every combination of facts: is each decided, can each clause decide, is it sound?"""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from refunds.policy import examples, merging, properties
from refunds.policy.coverage import Coverage, bits
from refunds.policy.describing import HEADINGS, Describer
from refunds.policy.document import Policy
from refunds.policy.examples import Tried
from refunds.policy.grid import Grid
from refunds.policy.merging import Box
from refunds.policy.properties import Finding
from refunds.policy.trees import Labeling


@dataclass(frozen=True, slots=True)
class ClauseReach:
    """How many combinations a clause covers, and in how many of these it is the one that decides."""

    clause_id: str
    covers: int
    decides: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two clauses that cover the same combinations. `winner` stands first, so where neither is preceded it decides.

    Attributes:
        combinations: how many both cover.
        decided_by_winner: in how many of these `winner` decides; in the others a clause before both does.
    """

    winner: str
    loser: str
    combinations: int
    decided_by_winner: int


@dataclass(frozen=True, slots=True)
class Row:
    """Several combinations in words, as one row of a table.

    Attributes:
        facts: (heading, values) of each fact that matters; none when it holds for everything.
        combinations: how many it stands for.
    """

    facts: tuple[tuple[str, str], ...]
    combinations: int

    @property
    def words(self) -> str:
        """The row as one line."""
        return "; ".join(f"{heading}: {values}" for heading, values in self.facts) or "everything"


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof report of one policy.

    Attributes:
        combinations: how many combinations of facts can be (space.can_be says which can't), as far as the policy's
            scopes and claim windows tell services and ages apart.
        decided: how many of them a clause or the default decides.
        defaulted: how many fall to the default.
        reach: each clause in order, the default last.
        unreachable: ids of clauses that never decide. The default may be idle; it is there for certainty.
        overlaps: pairs of clauses in order of precedence, without the default, which overlaps with everything.
        default_rows: the combinations that fall to the default.
        findings: what must hold for every order, and where it does not.
        tried: the document's examples, and what the policy said about them.
        without_example: ids of the clauses of which no example tells.
    """

    slug: str
    hash: str
    combinations: int
    decided: int
    defaulted: int
    reach: tuple[ClauseReach, ...]
    unreachable: tuple[str, ...]
    overlaps: tuple[Overlap, ...]
    default_rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    tried: tuple[Tried, ...]
    without_example: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every combination is decided."""
        return self.decided == self.combinations

    @property
    def passed(self) -> bool:
        """Whether the policy may be published: complete, no clause is dead letter, sound, and as its examples say."""
        sound = all(finding.holds for finding in self.findings)
        return self.complete and not self.unreachable and sound and all(one.passed for one in self.tried)


def prove(policy: Policy) -> Proof:
    """Try every combination of facts that can be. Takes a fraction of a second for the policies that ship."""
    rules = policy.rules
    default = len(rules) - 1
    coverage = Coverage(policy)
    (free,) = coverage.free
    # Bound facts that the same rules cover come to the same.
    groups = Counter(bound.masks[0] for bound in coverage.bound)
    covered: Counter[int] = Counter()
    both_bound: Counter[tuple[int, int]] = Counter()
    decides: Counter[int] = Counter()
    won: Counter[tuple[int, int]] = Counter()
    for mask, count in groups.items():
        covering = tuple(bits(mask))
        covered.update(dict.fromkeys(covering, count))
        both_bound.update(dict.fromkeys(combinations(covering, 2), count))
        for rule, taken in coverage.decided(0, mask):
            decides[rule] += count * taken.bit_count()
            for other in covering:
                if other > rule:
                    won[rule, other] += count * (taken & free[other]).bit_count()
    both = {
        (first, second): count * (free[first] & free[second]).bit_count()
        for (first, second), count in both_bound.items()
    }
    tried = examples.try_all(policy)
    told = {one.example.clause for one in tried}
    return Proof(
        slug=policy.slug,
        hash=policy.hash,
        combinations=coverage.combinations,
        decided=decides.total(),
        defaulted=decides[default],
        reach=tuple(
            ClauseReach(rule.id, covered[bit] * free[bit].bit_count(), decides[bit]) for bit, rule in enumerate(rules)
        ),
        unreachable=tuple(rule.id for bit, rule in enumerate(policy.clauses) if not decides[bit]),
        overlaps=tuple(
            Overlap(rules[first].id, rules[second].id, both[first, second], won[first, second])
            for first, second in sorted(both)
            if second != default and both[first, second]
        ),
        default_rows=_defaulted(policy, decides[default]),
        findings=properties.check(coverage),
        tried=tried,
        without_example=tuple(rule.id for rule in rules if rule.id not in told),
    )


def _defaulted(policy: Policy, count: int) -> tuple[Row, ...]:
    """Put what falls to the default into words, what stands for most combinations first."""
    if not count:
        return ()
    grid, default = Grid(policy), len(policy.clauses)
    labeling = Labeling(
        grid, lambda _which, rule, _delivery: rule == default, lambda outcomes: True if outcomes == (True,) else None
    )
    boxes = merging.merge(grid, labeling)
    if boxes is None:
        return (Row((("Too many parts to list", "whatever no clause covers"),), count),)
    words = Describer(grid.policies)
    return tuple(row(words, box) for box in sorted(boxes, key=lambda box: -box.count))


def row(words: Describer, box: Box) -> Row:
    """Put one box into words."""
    return Row(tuple((HEADINGS[axis], words.values(axis, values)) for axis, values in box.values.items()), box.count)
