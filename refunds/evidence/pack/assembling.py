"""Assemble the pack: the texts that a bank reads, each within its limit, and the papers that go with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from panel.kernel import money
from panel.kernel.evidence import LONGEST_TEXT, Document, Text
from refunds.evidence.pack import fitting, papers, wording
from refunds.evidence.pack.case import Case
from refunds.evidence.pack.fitting import Cut
from refunds.evidence.pack.papers import Paper

LONGEST: Final[Mapping[Text, int]] = {
    Text.PRODUCT_DESCRIPTION: LONGEST_TEXT,
    Text.CUSTOMER_NAME: 200,
    Text.CUSTOMER_EMAIL: 254,
    Text.PURCHASE_ADDRESS: 50,
    Text.ACCESS_LOG: LONGEST_TEXT,
    Text.SERVICE_DATE: 200,
    Text.POLICY_DISCLOSURE: LONGEST_TEXT,
    Text.REFUSAL_EXPLANATION: LONGEST_TEXT,
    Text.OTHER: LONGEST_TEXT,
}
"""Characters of each text. Together they are fewer than a dispute may have."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What is handed over.

    Attributes:
        texts: without those that there is nothing to say in.
        left_out: how many lines of a text did not fit; only of texts that were cut.
        papers: what the documents say.
    """

    texts: Mapping[Text, str]
    left_out: Mapping[Text, int]
    papers: Mapping[Document, Paper]


def assemble(case: Case) -> Pack:
    """Return the pack of a case. The same case gives the same pack."""
    cuts = {name: write(case) for name, write in _WRITERS.items()}
    return Pack(
        texts={name: cut.text for name, cut in cuts.items() if cut.text},
        left_out={name: cut.left_out for name, cut in cuts.items() if cut.left_out},
        papers=papers.of(case),
    )


def _products(case: Case) -> Cut:
    paid = case.payment
    head = (
        f"{case.panel} ({case.site}) sells marketing services online: customers add money to a prepaid balance and"
        f" order services for a link of theirs. On {wording.day(paid.paid_at)} the customer added"
        f" {wording.amount(case, paid.amount)}; this is the disputed payment."
    )
    if not case.orders:
        return Cut(f"{head} Nothing has been ordered with it.", 0)
    lead = f"{head} By our ledger, where what came in first is spent first, it paid for"
    lines = [f"{lead} {wording.of_orders(case.orders)}:", *(wording.order_line(case, one) for one in case.orders)]
    return fitting.first(lines, most=LONGEST[Text.PRODUCT_DESCRIPTION], entries="later orders")


def _service_date(case: Case) -> Cut:
    if not case.orders:
        return Cut("", 0)
    begun = wording.day(min(order.placed_at for order in case.orders))
    finals = [order.final_at for order in case.orders]
    ended = [final for final in finals if final is not None]
    if len(ended) < len(finals):
        return Cut(f"From {begun}; not all of it is delivered yet", 0)
    last = wording.day(max(ended))
    return Cut(begun if last == begun else f"{begun} to {last}", 0)


def _access_log(case: Case) -> Cut:
    lines = [wording.visit_line(visit) for visit in case.visits]
    return fitting.newest(lines, most=LONGEST[Text.ACCESS_LOG], entries="older entries", beyond=case.older_visits)


def _policy(case: Case) -> Cut:
    terms, paid = case.terms, case.payment
    where = wording.origin(paid.address)
    when = wording.moment(paid.opened_at)
    how = (
        f"It was shown to the customer where the payment was made, {when}{where}."
        if terms.shown
        else f"It was in force and public on our site when the payment was made, {when}{where}."
    )
    lines = [
        (
            f"Refund policy “{fitting.line(terms.title)}”, version {terms.number} (SHA-256 {terms.digest}), in force"
            f" since {wording.day(terms.in_force_since)}. {how} It reads:"
        ),
        *papers.policy_lines(case),
    ]
    return fitting.first(lines, most=LONGEST[Text.POLICY_DISCLOSURE], entries="further lines")


def _refusal(case: Case) -> Cut:
    spent = sum((order.from_payment - order.returned for order in case.orders), money.ZERO)
    back = sum((part.amount for part in case.paid_back), money.ZERO)
    lines = [
        (
            f"Of the payment of {wording.amount(case, case.payment.amount)}, {wording.amount(case, spent)} was spent on"
            f" {wording.of_orders(case.orders)}, net of what was credited back, and {wording.amount(case, back)} was"
            " paid back to the payment method."
        ),
        _contact(case),
        *chain.from_iterable(wording.credit_lines(case, order) for order in case.orders),
        *(
            f"{wording.moment(part.at)}: {wording.amount(case, part.amount)} paid back to the payment method"
            + (f", bank reference {fitting.line(part.bank_reference)}." if part.bank_reference else ".")
            for part in case.paid_back
        ),
    ]
    kept = [line for line in lines if line]
    return fitting.first(kept, most=LONGEST[Text.REFUSAL_EXPLANATION], entries="further credits")


def _contact(case: Case) -> str:
    if case.claim.contacted is None:
        return ""
    if not case.claim.contacted:
        return "The customer did not write to us about the payment or its orders before it was disputed."
    return fitting.line(f"The customer wrote to us before the payment was disputed: {case.claim.contact}.")


def _other(case: Case) -> Cut:
    """What providers reported and what was written by e-mail, each in half of the space."""
    half = LONGEST[Text.OTHER] // 2 - 100  # the headings take the rest
    reports = sorted(
        (report.at, wording.report_line(order, report)) for order in case.orders for report in order.reports
    )
    told = fitting.newest([words for _, words in reports], most=half, entries="older reports")
    written = [wording.letter_line(letter) for letter in case.letters]
    mails = fitting.newest(written, most=half, entries="older e-mails", beyond=case.older_letters)
    parts = (("What was reported of the orders:", told), ("E-mails to the customer:", mails))
    text = "\n".join(f"{heading}\n{cut.text}" for heading, cut in parts if cut.text)
    return Cut(text, told.left_out + mails.left_out)


def _whole(name: Text, text: Callable[[Case], str]) -> Callable[[Case], Cut]:
    return lambda case: Cut(fitting.line(text(case), longest=LONGEST[name]), 0)


_WRITERS: Final[Mapping[Text, Callable[[Case], Cut]]] = {
    Text.PRODUCT_DESCRIPTION: _products,
    Text.CUSTOMER_NAME: _whole(Text.CUSTOMER_NAME, lambda case: case.customer.name),
    Text.CUSTOMER_EMAIL: _whole(Text.CUSTOMER_EMAIL, lambda case: case.customer.email),
    Text.PURCHASE_ADDRESS: _whole(Text.PURCHASE_ADDRESS, lambda case: case.payment.address),
    Text.ACCESS_LOG: _access_log,
    Text.SERVICE_DATE: _service_date,
    Text.POLICY_DISCLOSURE: _policy,
    Text.REFUSAL_EXPLANATION: _refusal,
    Text.OTHER: _other,
}
