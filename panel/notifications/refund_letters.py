"""Letters about refunds of orders: requests from the first word to the answer, and what a settlement credited.

Amounts are at the money scale and shown in the panel's currency; instants are shown in the customer's time zone.
Addresses of pages may be paths. A request is told of once at each step, a settlement once to each customer.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from panel.accounts.models import User
from panel.notifications import writing
from panel.notifications.outbox import NewEmail

MOST_LINES: Final = 20


def request_received(  # noqa: PLR0913 - what a letter says, each by its name
    *,
    customer: User,
    request_number: int,
    order_number: int,
    cause: str,
    proposal: Decimal,
    sentence: str,
    due_from: datetime,
    due_at: datetime,
    url: str,
) -> NewEmail:
    """A request of the customer's waits for a person. `cause` is in his words, `sentence` says what the policy says.

    `proposal` is what the policy would credit, zero for nothing. The answer is due by `due_at`, hardly before
    `due_from`.
    """
    amount = writing.money(proposal)
    context = {
        "number": str(request_number),
        "order": str(order_number),
        "cause": cause,
        "proposal": amount if proposal and amount not in sentence else "",  # said once
        "sentence": sentence,
        "due_from": writing.moment(due_from, reader=customer) if due_from < due_at else "",
        "due_at": writing.moment(due_at, reader=customer),
        "url": writing.link(url),
    }
    return writing.letter(customer, f"request:{request_number}:received", "request_received", context)


def refund_in_review(
    *,
    customer: User,
    request_number: int,
    order_number: int,
    sentence: str,
    due_from: datetime,
    due_at: datetime,
    url: str,
) -> NewEmail:
    """An order ended in a way that its policy leaves to a person, though nobody asked. `sentence` says what and why."""
    context = {
        "number": str(request_number),
        "order": str(order_number),
        "sentence": sentence,
        "due_from": writing.moment(due_from, reader=customer) if due_from < due_at else "",
        "due_at": writing.moment(due_at, reader=customer),
        "url": writing.link(url),
    }
    return writing.letter(customer, f"request:{request_number}:in_review", "refund_in_review", context)


def request_question(
    *, customer: User, request_number: int, order_number: int, question_number: int, text: str, url: str
) -> NewEmail:
    """Whoever decides a request asks the customer something first; each question is a letter of its own."""
    context = {
        "number": str(request_number),
        "order": str(order_number),
        "text": text,
        "url": writing.link(url),
    }
    key = f"request:{request_number}:question:{question_number}"
    return writing.letter(customer, key, "request_question", context)


def request_approved(
    *,
    customer: User,
    request_number: int,
    order_number: int,
    amount: Decimal,
    why: str,
    balance: Decimal,
    url: str,
    promo_balance: Decimal | None = None,
) -> NewEmail:
    """A request was approved and `amount` credited. `why` holds the reason and what staff noted for the customer.

    `balance` is the available one after that; `promo_balance` is given when a promotional share came back too.
    """
    context = {
        "number": str(request_number),
        "order": str(order_number),
        "amount": writing.money(amount),
        "why": why,
        "url": writing.link(url),
        **_balances(balance, promo_balance),
    }
    return writing.letter(customer, f"request:{request_number}:approved", "request_approved", context)


def request_declined(
    *, customer: User, request_number: int, order_number: int, reason: str, note: str, url: str, support_url: str
) -> NewEmail:
    """A request was declined. `reason` is a sentence from the policy, `note` what staff added to it, or empty."""
    context = {
        "number": str(request_number),
        "order": str(order_number),
        "reason": reason,
        "note": note,
        "url": writing.link(url),
        "support_url": writing.link(support_url),
    }
    return writing.letter(customer, f"request:{request_number}:declined", "request_declined", context)


def order_refunded(
    *,
    customer: User,
    key: str,
    orders: Sequence[tuple[int, str]],
    total: Decimal,
    balance: Decimal,
    url: str,
    promo_balance: Decimal | None = None,
) -> NewEmail:
    """One settlement credited one customer. `orders` are numbers, each with the sentence that says how much and why.

    The first MOST_LINES are listed and the others counted. `total` is what was credited in all; the balances are those
    after it, the promotional one only when a share of it came back.
    """
    (first, sentence), only, more = orders[0], len(orders) == 1, len(orders) - MOST_LINES
    context = {
        "amount": writing.money(total),
        "which": f"order #{first}" if only else f"{len(orders):,} orders",
        "sentence": sentence if only else "",
        "lines": [] if only else [f"Order #{number}: {why}" for number, why in orders[:MOST_LINES]],
        "more": f"{more:,}" if more > 0 else "",
        "action": f"See order #{first}" if only else "See your orders",
        "url": writing.link(url),
        **_balances(balance, promo_balance),
    }
    return writing.letter(customer, key, "order_refunded", context)


def _balances(balance: Decimal, promo_balance: Decimal | None) -> dict[str, str]:
    return {
        "balance": writing.money(balance),
        "promo_balance": "" if promo_balance is None else writing.money(promo_balance),
    }
