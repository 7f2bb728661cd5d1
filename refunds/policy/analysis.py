"""Proving a policy by trying every combination of facts: is each decided, and can each clause ever decide?"""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product

from refunds.policy.document import Policy
from refunds.policy.facts import Cause, Delivery, Initiator, SinceFinal, SincePlaced, Standing, Status, Terms
from refunds.policy.matching import Matcher, lowest
from refunds.policy.space import can_be


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
class Proof:
    """The proof report of one policy.

    Attributes:
        combinations: how many combinations of facts can be (space.can_be says which can't).
        decided: how many of them a clause or the default decides.
        defaulted: how many fall to the default.
        reach: each clause in order, the default last.
        unreachable: ids of clauses that never decide. The default may be idle; it is there for certainty.
        overlaps: pairs of clauses in order of precedence, without the default, which overlaps with everything.
    """

    slug: str
    hash: str
    combinations: int
    decided: int
    defaulted: int
    reach: tuple[ClauseReach, ...]
    unreachable: tuple[str, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def complete(self) -> bool:
        """Whether every combination is decided."""
        return self.decided == self.combinations

    @property
    def passed(self) -> bool:
        """Whether the policy may be published: complete, and no clause is dead letter."""
        return self.complete and not self.unreachable


def prove(policy: Policy) -> Proof:
    """Try every combination of facts that can be. Takes milliseconds: combinations are counted by clause mask."""
    rules = policy.rules
    default = len(rules) - 1
    counted = _masks(policy.matcher)
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
    )


def _masks(matcher: Matcher) -> Counter[int]:
    """Count the possible combinations by the mask of clauses that cover them."""
    masks = matcher.masks
    bound: Counter[int] = Counter()
    for status, delivery, placed, final in product(Status, Delivery, SincePlaced, SinceFinal):
        if can_be(status, delivery, placed, final):
            bound[
                masks["status"][status]
                & masks["delivery"][delivery]
                & masks["since_placed"][placed]
                & masks["since_final"][final]
            ] += 1
    free: Counter[int] = Counter()
    for cause, initiator, terms, standing in product(Cause, Initiator, Terms, Standing):
        free[
            masks["cause"][cause] & masks["initiator"][initiator] & masks["terms"][terms] & masks["standing"][standing]
        ] += 1
    joint: Counter[int] = Counter()
    for (left, left_count), (right, right_count) in product(bound.items(), free.items()):
        joint[left & right] += left_count * right_count
    return joint
