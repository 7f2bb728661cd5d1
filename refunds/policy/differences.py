"""What changes between two policies: the combinations that come out otherwise, the figures, and the words."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

from refunds.policy import figures, merging, payouts
from refunds.policy.analysis import Row, row
from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.describing import Describer
from refunds.policy.document import DEFAULT_ID, Policy
from refunds.policy.facts import Delivery, Facts
from refunds.policy.figures import Figure
from refunds.policy.grid import Grid
from refunds.policy.merging import Box


class Direction(StrEnum):
    """For whom a change is better."""

    MORE = "more"
    LESS = "less"
    EITHER = "either"
    SAME_AMOUNT = "same_amount"


DIRECTIONS: Final[Mapping[Direction, str]] = {
    Direction.MORE: "more for the customer",
    Direction.LESS: "less for the customer",
    Direction.EITHER: "more or less, by the amounts",
    Direction.SAME_AMOUNT: "as much, otherwise decided",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows for an order: all that a customer could tell two clauses apart by."""

    refund: Refund
    approval: Approval
    cap: Portion | None
    fee: Portion | None

    def words(self, currency: str) -> str:
        """Say it: `the undelivered part, at most 50 % of the charge, after review`."""
        parts = [_REFUNDS[self.refund]]
        if self.cap is not None:
            parts.append(f"at most {self.cap.words(currency)}{' of the charge' if self.cap.sum is None else ''}")
        if self.fee is not None:
            parts.append(f"less a fee of {self.fee.words(currency)}")
        if self.approval is Approval.REVIEW:
            parts.append("after review")
        elif self.refund is not Refund.NONE:
            parts.append("at once")
        return ", ".join(parts)


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


class Word(StrEnum):
    """What becomes of words."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a passage that stay, go or come."""

    kind: Word
    words: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """A passage of the public page, or of what customers are told; None where there was, or is, no such passage."""

    where: str
    before: str | None
    after: str | None

    @property
    def spans(self) -> tuple[Span, ...]:
        """The passage word by word: what stays, what goes, what comes."""
        old, new = (self.before or "").split(), (self.after or "").split()
        steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        found = []
        for kind, start, end, new_start, new_end in steps:
            if kind == "equal":
                found.append(Span(Word.SAME, " ".join(old[start:end])))
                continue
            found += [Span(Word.GONE, " ".join(old[start:end]))] if start < end else []
            found += [Span(Word.NEW, " ".join(new[new_start:new_end]))] if new_start < new_end else []
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs.

    Attributes:
        combinations: how many there are, as both policies together tell facts apart.
        changed: how many of them come out otherwise.
        moved: how many come out alike, but by a clause of another name.
    """

    combinations: int
    changed: int
    moved: int
    changes: tuple[Change, ...]
    figures: tuple[Figure, ...]
    texts: tuple[TextChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs that anybody could notice."""
        return not (self.changes or self.figures or self.texts)


def compare(old: Policy, new: Policy) -> Difference:
    """Return what changes when `new` takes the place of `old`."""
    grid = Grid(old, new)
    combinations = changed = moved = 0

    def label(facts: Facts, rules: tuple[int, ...]) -> tuple[Outcome, Outcome] | None:
        before, after = old.rules[rules[0]], new.rules[rules[1]]
        if outcome_at(before, facts.delivery) == outcome_at(after, facts.delivery):
            return None
        return outcome(before), outcome(after)

    for bound, free, rules in grid.deciders():
        count = bound.count * free.count
        combinations += count
        if label(bound.sample, rules) is not None:
            changed += count
        elif old.rules[rules[0]].id != new.rules[rules[1]].id:
            moved += count
    words = Describer(grid.policies)
    changes = [_change(words, box, old, new) for box in merging.merge(grid, label)]
    return Difference(
        combinations=combinations,
        changed=changed,
        moved=moved,
        changes=tuple(sorted(changes, key=lambda change: -change.row.combinations)),
        figures=figures.changed(old, new),
        texts=texts(_passages(old), _passages(new)),
    )


def outcome(clause: Clause) -> Outcome:
    """Return what a clause says."""
    return Outcome(clause.refund, clause.approval, clause.cap, clause.fee)


def outcome_at(clause: Clause, delivery: Delivery) -> Outcome:
    """Return what a clause comes to at one delivery, where the undelivered part may be everything, or nothing."""
    refund = clause.refund
    if refund is Refund.UNDELIVERED:
        refund = {Delivery.NONE: Refund.FULL, Delivery.ALL: Refund.NONE}.get(delivery, refund)
    if refund is Refund.NONE:
        return Outcome(refund, clause.approval, None, None)
    return Outcome(refund, clause.approval, clause.cap, clause.fee)


_REFUNDS: Final = {
    Refund.FULL: "everything",
    Refund.UNDELIVERED: "the undelivered part",
    Refund.NONE: "nothing",
}


def _change(words: Describer, box: Box, old: Policy, new: Policy) -> Change:
    before, after = cast("tuple[Outcome, Outcome]", box.label)  # what `label` in compare made
    pairs = [(old.rules[first], new.rules[second]) for first, second in sorted(box.rules)]
    return Change(
        row=row(words, box),
        before=before,
        after=after,
        clauses_before=tuple(dict.fromkeys(first.id for first, _ in pairs)),
        clauses_after=tuple(dict.fromkeys(second.id for _, second in pairs)),
        direction=_direction(pairs, box.values.get("delivery", tuple(Delivery))),
    )


def _direction(pairs: Sequence[tuple[Clause, Clause]], deliveries: Sequence[Delivery]) -> Direction:
    tried = [(first, second, delivery) for first, second in pairs for delivery in deliveries]
    more = any(payouts.exceeds(second, first, delivery) for first, second, delivery in tried)
    less = any(payouts.exceeds(first, second, delivery) for first, second, delivery in tried)
    if more and less:
        return Direction.EITHER
    if more:
        return Direction.MORE
    return Direction.LESS if less else Direction.SAME_AMOUNT


def texts(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[TextChange, ...]:
    """Return the passages that differ, of passages by where they stand."""
    return tuple(
        TextChange(where, before.get(where), after.get(where))
        for where in dict.fromkeys([*after, *before])
        if before.get(where) != after.get(where)
    )


def _passages(policy: Policy) -> dict[str, str]:
    """Return the words of a document by where they stand; white space folded, because pages fold it."""
    found = {
        "title": policy.title,
        "date on the page": f"{policy.updated:%Y-%m-%d}",
        "summary": policy.summary,
        "introduction": policy.introduction,
    }
    for clause in policy.rules:
        name = "default" if clause.id == DEFAULT_ID else f"clause {clause.id}"
        found |= {
            f"{name}: heading": clause.group,
            f"{name}: rule": clause.text,
            f"{name}: reason": clause.because,
        }
    named = (
        ("withdrawals", policy.withdrawals),
        ("review", policy.review),
        ("abuse", policy.abuse),
        ("chargebacks", policy.chargebacks),
        ("fraud_warnings", policy.on_warning),
        ("contact", policy.contact),
    )
    for name, part in named:
        if part is not None and part.text:
            found |= {f"{name}: title": part.title, f"{name}: text": part.text}
    for section in policy.sections:
        lines = [section.text, *(f"• {point}" for point in section.points)]
        lines += [f"{number}. {step}" for number, step in enumerate(section.steps, start=1)]
        found |= {f"section {section.id}: title": section.title, f"section {section.id}: text": "\n".join(lines)}
    return {where: " ".join(text.split()) for where, text in found.items()}
