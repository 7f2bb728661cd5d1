"""Trying the examples that a policy document carries: orders, and what it has to say about them."""

from dataclasses import dataclass

from panel.kernel import money
from refunds.policy.document import Example, Policy
from refunds.policy.engine import decide
from refunds.policy.wording import Verdict


@dataclass(frozen=True, slots=True)
class Tried:
    """One example and what the policy said about it."""

    example: Example
    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether it said what was expected."""
        said = (self.verdict.clause_id, self.verdict.approval, self.verdict.owed)
        return said == (self.example.clause, self.example.approval, self.example.owed)

    @property
    def said(self) -> str:
        """What the policy said, in words."""
        return _words(self.verdict.clause_id, money.plain(self.verdict.owed), self.verdict.approval)

    @property
    def expected(self) -> str:
        """What was expected, in words."""
        return _words(self.example.clause, money.plain(self.example.owed), self.example.approval)


def try_all(policy: Policy) -> tuple[Tried, ...]:
    """Return what the policy says about each of its examples."""
    return tuple(Tried(example, decide(policy, example.facts, example.amounts)) for example in policy.examples)


def _words(clause: str, owed: str, approval: str) -> str:
    return f"{owed} by {clause}, {approval}"
