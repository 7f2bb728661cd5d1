"""Letters about deposits and withdrawals: one function per e-mail, from typed facts to a row of the outbox.

Amounts are at the money scale and shown in the panel's currency; instants are shown in the customer's time zone, days
are the panel's. Addresses of pages may be paths (`/balance/`): they become links into `SITE_URL`. Each key starts with
what the e-mail is about, so the same thing is never told twice.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from panel.accounts.models import User
from panel.kernel import money
from panel.notifications import writing
from panel.notifications.outbox import NewEmail


def deposit_receipt(
    *,
    customer: User,
    deposit_number: int,
    amount: Decimal,
    asked: Decimal,
    method: str,
    paid_at: datetime,
    balance_url: str,
) -> NewEmail:
    """A deposit arrived and is on the balance; says so when `amount`, which arrived, is not what was `asked`."""
    context = {
        "number": str(deposit_number),
        "amount": writing.money(amount),
        "asked": "" if amount == asked else writing.money(asked),
        "method": method,
        "paid_at": writing.moment(paid_at, reader=customer),
        "url": writing.link(balance_url),
    }
    return writing.letter(customer, f"deposit:{deposit_number}:receipt", "deposit_receipt", context)


def deposit_failed(
    *, customer: User, deposit_number: int, amount: Decimal, method: str, reason: str, add_url: str
) -> NewEmail:
    """A payment that was under way did not arrive. `reason` is a sentence, or empty when none is known."""
    context = {
        "number": str(deposit_number),
        "amount": writing.money(amount),
        "method": method,
        "reason": reason,
        "url": writing.link(add_url),
    }
    return writing.letter(customer, f"deposit:{deposit_number}:failed", "deposit_failed", context)


def withdrawal_scheduled(
    *,
    customer: User,
    withdrawal_number: int,
    parts: Sequence[tuple[Decimal, str]],
    send_by: date,
    bank_by: date,
    arranged: Decimal,
    cancel_until: datetime,
    url: str,
) -> NewEmail:
    """A withdrawal will be sent. `parts` are amounts with where each goes, such as `Visa ending in 4242`.

    The dates are for these. `arranged` is what support arranges another way for, with no date; zero for none.
    """
    context = {
        "number": str(withdrawal_number),
        "amount": writing.money(sum((part for part, _ in parts), money.ZERO)),
        "parts": [f"{writing.money(part)} to {destination}" for part, destination in parts],
        "send_by": writing.day(send_by),
        "bank_by": writing.day(bank_by),
        "reckoning": writing.reckoning(),
        "arranged": writing.money(arranged) if arranged else "",
        "cancel_until": writing.moment(cancel_until, reader=customer),
        "url": writing.link(url),
    }
    return writing.letter(customer, f"withdrawal:{withdrawal_number}:scheduled", "withdrawal_scheduled", context)


def withdrawal_arranging(*, customer: User, withdrawal_number: int, amount: Decimal, reason: str, url: str) -> NewEmail:
    """No payment takes a withdrawal back, so support arranges another way. `reason` is a sentence that says why."""
    context = {
        "number": str(withdrawal_number),
        "amount": writing.money(amount),
        "reason": reason,
        "url": writing.link(url),
    }
    return writing.letter(customer, f"withdrawal:{withdrawal_number}:arranging", "withdrawal_arranging", context)


def withdrawal_in_review(
    *,
    customer: User,
    withdrawal_number: int,
    amount: Decimal,
    reason: str,
    send_by: date | None,
    arranged: Decimal,
    url: str,
) -> NewEmail:
    """A person looks at a withdrawal first. `reason` is a sentence that says why.

    `send_by` is for what goes back to a payment, None when nothing does. `arranged` is what support would arrange
    another way for; zero for none.
    """
    context = {
        "number": str(withdrawal_number),
        "amount": writing.money(amount),
        "reason": reason,
        "send_by": writing.day(send_by) if send_by else "",
        "reckoning": writing.reckoning() if send_by else "",
        "arranged": writing.money(arranged) if arranged else "",
        "url": writing.link(url),
    }
    return writing.letter(customer, f"withdrawal:{withdrawal_number}:in_review", "withdrawal_in_review", context)


def withdrawal_declined(*, customer: User, withdrawal_number: int, amount: Decimal, reason: str, url: str) -> NewEmail:
    """A withdrawal was declined and the money is back on the balance. `reason` is a sentence."""
    context = {
        "number": str(withdrawal_number),
        "amount": writing.money(amount),
        "reason": reason,
        "url": writing.link(url),
    }
    return writing.letter(customer, f"withdrawal:{withdrawal_number}:declined", "withdrawal_declined", context)


def withdrawal_canceled(*, customer: User, withdrawal_number: int, amount: Decimal, url: str) -> NewEmail:
    """A withdrawal was canceled before it was sent and the money is back on the balance."""
    context = {"number": str(withdrawal_number), "amount": writing.money(amount), "url": writing.link(url)}
    return writing.letter(customer, f"withdrawal:{withdrawal_number}:canceled", "withdrawal_canceled", context)


def withdrawal_paid(
    *,
    customer: User,
    withdrawal_number: int,
    amount: Decimal,
    parts: Sequence[tuple[Decimal, str, str]],
    returned: Decimal,
    bank_by: date,
    url: str,
    leg: int | None = None,
) -> NewEmail:
    """The confirmation: what was sent and how.

    `leg` is set when it is about a part that was arranged with support; such a part has a letter of its own.

    `amount` is what was sent. `parts` are amounts with method and the bank's reference, or an empty one. `returned` is
    what could not be sent and is on the balance again; zero for none.
    """
    context = {
        "number": str(withdrawal_number),
        "amount": writing.money(amount),
        "parts": [
            f"{writing.money(part)} to {method}" + (f", reference {reference}" if reference else "")
            for part, method, reference in parts
        ],
        "traceable": "yes" if any(reference for _part, _method, reference in parts) else "",
        "returned": writing.money(returned) if returned else "",
        "bank_by": writing.day(bank_by),
        "reckoning": writing.reckoning(),
        "url": writing.link(url),
    }
    key = f"withdrawal:{withdrawal_number}:paid" if leg is None else f"withdrawal:{withdrawal_number}:leg:{leg}:paid"
    return writing.letter(customer, key, "withdrawal_paid", context)


def withdrawal_failed(
    *,
    customer: User,
    withdrawal_number: int,
    leg: int,
    amount: Decimal,
    method: str,
    reason: str,
    url: str,
    way_out: str,
) -> NewEmail:
    """One leg could not be paid, or came back later; the money is on the balance, and here is the way out.

    `reason` is a sentence, or empty when none is known. `way_out` is the address of the page that says what can be done
    with the money under the policy in force.
    """
    context = {
        "number": str(withdrawal_number),
        "amount": writing.money(amount),
        "method": method,
        "reason": reason,
        "way_out": writing.link(way_out),
        "url": writing.link(url),
    }
    return writing.letter(customer, f"withdrawal:{withdrawal_number}:leg:{leg}:failed", "withdrawal_failed", context)


def alternative_proposed(
    *,
    customer: User,
    withdrawal_number: int,
    leg: int,
    amount: Decimal,
    destination: str,
    url: str,
    proposal: int = 1,
) -> NewEmail:
    """Support found another way to pay one leg; please read it and agree on the page.

    `destination` is fit for an e-mail: what it is and its last characters. The page shows all of it.
    `proposal` counts the proposals made for this leg: another destination is another e-mail.
    """
    context = {
        "number": str(withdrawal_number),
        "amount": writing.money(amount),
        "destination": destination,
        "url": writing.link(url),
    }
    key = f"withdrawal:{withdrawal_number}:leg:{leg}:alternative:{proposal}"
    return writing.letter(customer, key, "alternative_proposed", context)
