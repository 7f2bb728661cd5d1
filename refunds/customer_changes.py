"""What customers read about the differences of two policies: for those in good standing only, kept in memory.

What follows for customers who are flagged or suspected is for staff to read: it tells nobody else anything.
"""

import functools
from dataclasses import dataclass

from refunds.policy import case_changes, changes, figures, loader
from refunds.policy.case_changes import CaseChange
from refunds.policy.changes import Change
from refunds.policy.coverage import Coverage
from refunds.policy.document import Policy
from refunds.policy.figures import Figure


@dataclass(frozen=True, slots=True)
class CustomerChanges:
    """The cases of an order's life that come out otherwise, all that does as exact rules, and the figures."""

    cases: tuple[CaseChange, ...]
    rules: tuple[Change, ...]
    figures: tuple[Figure, ...]


def between(old: Policy, new: Policy, currency: str) -> CustomerChanges:
    """Return what changes for customers when `new` takes the place of `old`; a second or two the first time."""
    return _between(old.text, new.text, currency)


@functools.lru_cache(maxsize=64)
def _between(old_text: str, new_text: str, currency: str) -> CustomerChanges:
    old, new = (loader.loads(text, "The policy") for text in (old_text, new_text))
    coverage = Coverage(case_changes.in_good_standing(old), case_changes.in_good_standing(new))
    rules = changes.find(coverage) if changes.count(coverage).changed else ()
    named = tuple(figure for figure in figures.changed(old, new) if figure.name)
    return CustomerChanges(case_changes.find(old, new, currency), rules, named)
