"""What the documents of a pack say, as headed lines; `pdf` sets them.

A paper is cut like a text: whole lines, the oldest first, and it says how many are missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from panel.kernel.evidence import Document
from refunds.evidence.pack import fitting, wording
from refunds.evidence.pack.case import Case, Message

LONGEST_PAPER: Final = 60_000
"""Characters of the longest part of a paper: some thirty pages, which take seconds to set."""

_LONGEST_MESSAGE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """One document: what it is, and what it says. `as_of` is the newest moment that it knows of."""

    name: str
    title: str
    subtitle: str
    as_of: datetime
    sections: tuple[Section, ...]


def of(case: Case) -> Mapping[Document, Paper]:
    """Return the documents of a case; none about what was written when nothing was."""
    made = {
        Document.SERVICE: _paper(case, "service-record", "Service record and timeline", _service(case)),
        Document.COMMUNICATION: _paper(case, "communication", "Communication with the customer", _communication(case)),
        Document.POLICY: _paper(case, "refund-policy", "Refund policy", _policy(case)),
        Document.RECEIPT: _paper(case, "receipt", "Receipt of the payment", _receipt(case)),
    }
    return {document: paper for document, paper in made.items() if paper.sections}


def policy_lines(case: Case) -> Iterator[str]:
    """Yield the public page of the policy, each heading before its paragraphs."""
    for heading, paragraphs in case.terms.sections:
        yield fitting.line(heading)
        for paragraph in paragraphs:
            yield from _long(paragraph)


def _paper(case: Case, name: str, title: str, sections: tuple[Section, ...]) -> Paper:
    return Paper(
        name=f"{name}-{fitting.line(case.claim.reference, longest=60)}.pdf",
        title=f"{fitting.line(case.panel)}: {title}",
        subtitle=(
            f"Payment {fitting.line(case.payment.reference)} of {wording.amount(case, case.payment.amount)},"
            f" dispute {fitting.line(case.claim.reference)}. All times are UTC."
        ),
        as_of=_newest(case),
        sections=tuple(section for section in sections if section.lines),
    )


def _newest(case: Case) -> datetime:
    """Return the last moment of the case, so that the same case makes the same paper, to the byte."""
    listed = (case.visits, case.letters, case.messages, case.paid_back)
    return max(case.claim.opened_at, case.payment.paid_at, *(one.at for entries in listed for one in entries))


def _service(case: Case) -> tuple[Section, ...]:
    paid, claim = case.payment, case.claim
    facts = (
        (
            f"Customer: {fitting.line(case.customer.name)} <{fitting.line(case.customer.email)}>, with us since"
            f" {wording.day(case.customer.joined_at)}"
        ),
        (
            f"Payment: {wording.amount(case, paid.amount)} by {fitting.line(paid.method)},"
            f" {wording.moment(paid.paid_at)}{wording.origin(paid.address)}"
        ),
        f"Dispute: opened {wording.moment(claim.opened_at)}, reason {fitting.line(claim.reason) or 'not given'}"
        + (f" ({fitting.line(claim.reason_code)})" if claim.reason_code else ""),
    )
    orders = [wording.order_line(case, order) for order in case.orders]
    happened = [words for _, words in sorted(_happened(case))]
    return (
        Section("The case", facts),
        Section("Orders that the payment paid for", _first(orders, "later orders")),
        Section("Timeline", _newest_lines(happened, "older entries", case.older_visits + case.older_letters)),
    )


def _happened(case: Case) -> Iterator[tuple[datetime, str]]:
    paid, claim = case.payment, case.claim
    yield (
        paid.paid_at,
        (
            f"{wording.moment(paid.paid_at)}: payment of {wording.amount(case, paid.amount)} received"
            f"{wording.origin(paid.address)} (the disputed payment)"
        ),
    )
    yield claim.opened_at, f"{wording.moment(claim.opened_at)}: the payment is disputed"
    for visit in case.visits:
        yield visit.at, wording.visit_line(visit)
    for order in case.orders:
        for report in order.reports:
            yield report.at, wording.report_line(order, report)
        for credit, words in zip(order.credits, wording.credit_lines(case, order), strict=True):
            yield credit.at, words
    for letter in case.letters:
        yield letter.at, wording.letter_line(letter)
    for message in case.messages:
        yield message.at, f"{wording.moment(message.at)}: {_wrote(message)} about “{fitting.line(message.about)}”"
    for part in case.paid_back:
        yield part.at, f"{wording.moment(part.at)}: {wording.amount(case, part.amount)} paid back to the payment method"


def _communication(case: Case) -> tuple[Section, ...]:
    messages = list(chain.from_iterable(_message(message) for message in case.messages))
    letters = [wording.letter_line(letter) for letter in case.letters]
    return (
        Section("Messages", _newest_lines(messages, "older lines")),
        Section("E-mails to the customer", _newest_lines(letters, "older e-mails", case.older_letters)),
    )


def _message(message: Message) -> Iterator[str]:
    yield f"{wording.moment(message.at)}: {_wrote(message)} about “{fitting.line(message.about, longest=200)}”:"
    for part in message.text[:_LONGEST_MESSAGE].splitlines():
        for words in _long(part):
            yield f"    {words}"
    if len(message.text) > _LONGEST_MESSAGE:
        yield f"    [{len(message.text) - _LONGEST_MESSAGE:,} further characters left out for length.]"


def _wrote(message: Message) -> str:
    return "the customer wrote" if message.by_customer else "we wrote to the customer"


def _policy(case: Case) -> tuple[Section, ...]:
    terms = case.terms
    head = (
        f"Version {terms.number}, in force since {wording.moment(terms.in_force_since)}, SHA-256 {terms.digest}",
        "Shown to the customer where the payment was made." if terms.shown else "Public on our site at the payment.",
    )
    return (
        Section(fitting.line(terms.title), head),
        Section("Text", _first(list(policy_lines(case)), "further lines")),
    )


def _receipt(case: Case) -> tuple[Section, ...]:
    paid = case.payment
    return (
        Section(
            "Payment",
            (
                f"Received: {wording.amount(case, paid.amount)}, {wording.moment(paid.paid_at)}",
                f"Paid with: {fitting.line(paid.method)}",
                f"Reference: {fitting.line(paid.reference)}; our number {paid.number}",
                f"For: prepaid balance at {fitting.line(case.panel)}, {fitting.line(case.site)}",
                f"Customer: {fitting.line(case.customer.name)} <{fitting.line(case.customer.email)}>",
            ),
        ),
    )


def _first(lines: list[str], entries: str) -> tuple[str, ...]:
    return tuple(fitting.first(lines, most=LONGEST_PAPER, entries=entries).lines)


def _newest_lines(lines: list[str], entries: str, beyond: int = 0) -> tuple[str, ...]:
    return tuple(fitting.newest(lines, most=LONGEST_PAPER, entries=entries, beyond=beyond).lines)


def _long(text: str) -> Iterator[str]:
    """Yield a paragraph of any length as lines of at most LONGEST_LINE characters: nothing of it is lost."""
    flat = fitting.line(text, longest=len(text) + 1)
    for start in range(0, len(flat), fitting.LONGEST_LINE):
        yield flat[start : start + fitting.LONGEST_LINE]
