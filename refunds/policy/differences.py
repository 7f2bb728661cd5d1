"""What changes between two policies: the combinations that come out otherwise, the figures, and the words."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from refunds.policy import changes, figures
from refunds.policy.changes import Change
from refunds.policy.coverage import Coverage
from refunds.policy.document import DEFAULT_ID, Policy
from refunds.policy.figures import Figure


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
    coverage = Coverage(old, new)
    counts = changes.count(coverage)
    return Difference(
        combinations=counts.combinations,
        changed=counts.changed,
        moved=counts.moved,
        changes=changes.find(coverage) if counts.changed else (),
        figures=figures.changed(old, new),
        texts=texts(_passages(old), _passages(new)),
    )


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
