"""Who decides where under one policy, and who decides when one fact is another: each pair with an example."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Final

from refunds.policy.coverage import Bound, Coverage
from refunds.policy.facts import Delivery, Facts, Initiator, Standing, Status
from refunds.policy.space import FINAL

RISING: Final = (Delivery.ALL, Delivery.SOME, Delivery.NONE)
"""From nothing undelivered to everything."""

ENDS_AS: Final = {Status.COMPLETED: Status.PARTIAL, Status.PARTIAL: Status.CANCELED}
"""The status of an order that ends as one of the other does, but with less delivered."""

# Of whom orders end by what was delivered. Customers ask: about an order that is complete for other reasons than units,
# and a cancel is their own wish. So what they get may differ by status, and be compared within one status only.
_REPORTERS: Final = (Initiator.PROVIDER, Initiator.SYSTEM, Initiator.STAFF)


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
    """Each dictionary holds an example of the facts: of a pair, the first one's.

    `steps` are between orders of the same status, `ends` from one to an order that ends in another status, with less
    delivered, by the report of a provider, staff or ourselves.
    """

    def __init__(self, coverage: Coverage) -> None:
        """Look through the coverage of one policy."""
        self.decides: Final[dict[Decides, Facts]] = {}
        self.steps: Final[dict[Step, Facts]] = {}
        self.ends: Final[dict[Step, Facts]] = {}
        self.doubts: Final[dict[Doubt, Facts]] = {}
        self._coverage = coverage
        reported = sum(coverage.moved(coverage.everything, "initiator", one, one) for one in _REPORTERS)
        for bound in coverage.bound:
            self._note_decides(bound)
            self._note_doubts(bound)
        for bound, less in _steps(coverage.bound):
            if less.facts.status is bound.facts.status:
                self._note_steps(self.steps, bound, less, coverage.everything)
            else:
                self._note_steps(self.ends, bound, less, reported)

    def _note_decides(self, bound: Bound) -> None:
        for rule, free in self._coverage.decided(0, bound.masks[0]):
            where = Decides(rule, bound.facts.delivery, bound.facts.status in FINAL)
            if where not in self.decides:
                self.decides[where] = self._coverage.facts(bound, free)

    def _note_steps(self, steps: dict[Step, Facts], bound: Bound, less: Bound, among: int) -> None:
        before, after = (self._coverage.decided(0, one.masks[0]) for one in (bound, less))
        for (first, free), (second, other) in product(before, after):
            step, both = Step(first, bound.facts.delivery, second), free & other & among
            if step not in steps and both:
                steps[step] = self._coverage.facts(bound, both)

    def _note_doubts(self, bound: Bound) -> None:
        decided = self._coverage.decided(0, bound.masks[0])
        for standing, (first, free) in product(Standing, decided):
            if standing is Standing.CLEAR:
                continue
            if_clear = self._coverage.moved(free, "standing", standing, Standing.CLEAR)
            for second, other in decided:
                doubt = Doubt(first, second, bound.facts.delivery)
                if doubt not in self.doubts and if_clear & other:
                    both = self._coverage.moved(if_clear & other, "standing", Standing.CLEAR, standing)
                    self.doubts[doubt] = self._coverage.facts(bound, both)


def _steps(every: list[Bound]) -> Iterator[tuple[Bound, Bound]]:
    """Yield each bound combination with those in which all is alike but that less is delivered, where they can be.

    That is in the same status, and in the one in which an order with less delivered ends.
    """
    by_facts = {bound.facts: bound for bound in every}
    next_less = dict(pairwise(RISING))
    for bound in every:
        facts = bound.facts
        for status in (facts.status, ENDS_AS.get(facts.status)):
            if status is None or facts.delivery not in next_less:
                continue
            less = by_facts.get(replace(facts, status=status, delivery=next_less[facts.delivery]))
            if less is not None:
                yield bound, less
