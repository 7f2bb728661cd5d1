"""Proving a policy by trying every combination of facts: is each decided, can each clause decide, is it sound?"""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from refunds.policy import examples, merging, properties
from refunds.policy.describing import HEADINGS, Describer
from refunds.policy.document import Policy
from refunds.policy.examples import Tried
from refunds.policy.grid import Grid
from refunds.policy.matching import lowest
from refunds.policy.merging import Box
from refunds.policy.properties import Finding


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
    """Try every combination of facts that can be. Takes well under a second for the policies that ship."""
    rules = policy.rules
    default = len(rules) - 1
    grid = Grid(policy)
    counted: Counter[int] = Counter()
    for bound, free, (mask,) in grid.walk():
        counted[mask] += bound.count * free.count
    covers: Counter[int] = Counter()
    decides: Counter[int] = Counter()
    both: Counter[tuple[int, int]] = Counter()
    won: Counter[tuple[int, int]] = Counter()
    decided = 0
    for mask, count in counted.items():
        bits = [bit for bit in range(len(rules)) if mask >> bit & 1]
        if not bits:
            continue
        decided += count
        decides[bits[0]] += count
        for bit in bits:
            covers[bit] += count
        for pair in combinations(bits, 2):
            both[pair] += count
            if pair[0] == lowest(mask):
                won[pair] += count
    tried = examples.try_all(policy)
    told = {one.example.clause for one in tried}
    return Proof(
        slug=policy.slug,
        hash=policy.hash,
        combinations=counted.total(),
        decided=decided,
        defaulted=decides[default],
        reach=tuple(ClauseReach(rule.id, covers[bit], decides[bit]) for bit, rule in enumerate(rules)),
        unreachable=tuple(rule.id for bit, rule in enumerate(policy.clauses) if not decides[bit]),
        overlaps=tuple(
            Overlap(rules[first].id, rules[second].id, both[first, second], won[first, second])
            for first, second in sorted(both)
            if second != default
        ),
        default_rows=rows(grid, merging.merge(grid, lambda _facts, by: True if by == (default,) else None)),
        findings=properties.check(grid),
        tried=tried,
        without_example=tuple(rule.id for rule in rules if rule.id not in told),
    )


def rows(grid: Grid, boxes: list[Box]) -> tuple[Row, ...]:
    """Put boxes of a grid into words, those that stand for most combinations first."""
    words = Describer(grid.policies)
    ordered = sorted(boxes, key=lambda box: -box.count)
    return tuple(row(words, box) for box in ordered)


def row(words: Describer, box: Box) -> Row:
    """Put one box into words."""
    return Row(tuple((HEADINGS[axis], words.values(axis, values)) for axis, values in box.values.items()), box.count)
