"""The public refund page as plain values, every text of it from the policy document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from panel.kernel import money
from refunds.policy.document import DEFAULT_ID, Policy
from refunds.policy.wording import fill, rule, span

_RULES: Final = "orders-"


@dataclass(frozen=True, slots=True)
class PageSection:
    """One headed part of the page: paragraphs, then points, then numbered steps. `anchor` is unique on the page."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...]
    points: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page. `sections` are in reading order."""

    title: str
    updated: date
    summary: str
    introduction: tuple[str, ...]
    sections: tuple[PageSection, ...]


def build(policy: Policy, *, panel: str, currency: str, email: str) -> Page:
    """Return the page with the panel's name, currency and support address filled in.

    The clauses come first, under the headings of their groups and in the order in which they apply; then balance
    withdrawals, review, abuse where it is measured, the free sections, chargebacks, fraud warnings where the policy
    speaks of them, and contact.
    """
    values = _values(policy, panel=panel, currency=currency, email=email)
    groups: dict[str, list[str]] = {}
    for clause in policy.rules:
        groups.setdefault(clause.group, []).append(rule(policy, clause, panel=panel, currency=currency))
    sections = [
        PageSection(f"{_RULES}{number}", heading, (), tuple(texts))
        for number, (heading, texts) in enumerate(groups.items(), start=1)
    ]
    named = (("withdrawals", policy.withdrawals), ("review", policy.review), ("abuse", policy.abuse))
    sections += [PageSection(anchor, fill(s.title, values), _paragraphs(s.text, values)) for anchor, s in named if s]
    sections += [
        PageSection(
            f"section-{free.id}",
            fill(free.title, values),
            _paragraphs(free.text, values),
            tuple(fill(point, values) for point in free.points),
            tuple(fill(step, values) for step in free.steps),
        )
        for free in policy.sections
    ]
    closing = (
        ("chargebacks", policy.chargebacks),
        ("fraud-warnings", policy.on_warning),
        ("contact", policy.contact),
    )
    sections += [
        PageSection(anchor, fill(s.title, values), _paragraphs(s.text, values)) for anchor, s in closing if s.text
    ]
    return Page(
        title=fill(policy.title, values),
        updated=policy.updated,
        summary=fill(policy.summary, values),
        introduction=_paragraphs(policy.introduction, values),
        sections=tuple(sections),
    )


def passages(policy: Policy, *, panel: str, currency: str, email: str) -> dict[str, str]:
    """Return the words of the page by where they stand, for telling what changes between two policies."""
    found = {}
    for clause in policy.rules:
        name = "What no rule names" if clause.id == DEFAULT_ID else f"Rule “{clause.id.replace('-', ' ')}”"
        found[name] = f"{clause.group}: {rule(policy, clause, panel=panel, currency=currency)}"
    built = build(policy, panel=panel, currency=currency, email=email)
    found = {"Title": built.title, "Summary": built.summary, "Introduction": " ".join(built.introduction)} | found
    for section in built.sections:
        if not section.anchor.startswith(_RULES):
            words = [*section.paragraphs, *section.points, *section.steps]
            found[f"Section “{section.title}”"] = " ".join(words)
    return found


def _values(policy: Policy, *, panel: str, currency: str, email: str) -> Mapping[str, str]:
    values = {
        "panel": panel,
        "email": email,
        "hours": span(*policy.review.hours),
        "response_hours": str(policy.contact.response_hours),
    }
    paid_out = policy.withdrawals
    if paid_out.minimum is not None and paid_out.verify_above is not None and paid_out.business_days is not None:
        values["minimum"] = money.display(paid_out.minimum, currency)
        values["verify_above"] = money.display(paid_out.verify_above, currency)
        values["business_days"] = span(*paid_out.business_days)
    return values


def _paragraphs(text: str, values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in fill(text, values).split("\n\n") if part.strip())
