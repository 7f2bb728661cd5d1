"""What the panel writes to customers: one function per e-mail, from typed facts to a row of the outbox.

Amounts are at the money scale and shown in the panel's currency; instants are shown in its time zone. Addresses of
pages may be paths (`/balance/`): they become links into `SITE_URL`. Each key starts with what the e-mail is about, so
the same thing is never told twice.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urljoin

from django.conf import settings
from django.utils import timezone
from django.utils.dateformat import format as in_words

from panel.accounts.models import User
from panel.kernel import money
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
        "amount": _money(amount),
        "asked": "" if amount == asked else _money(asked),
        "method": method,
        "paid_at": _moment(paid_at),
        "url": _link(balance_url),
    }
    return _letter(customer, f"deposit:{deposit_number}:receipt", "deposit_receipt", context)


def deposit_failed(
    *, customer: User, deposit_number: int, amount: Decimal, method: str, reason: str, add_url: str
) -> NewEmail:
    """A payment that was under way did not arrive. `reason` is a sentence, or empty when none is known."""
    context = {
        "number": str(deposit_number),
        "amount": _money(amount),
        "method": method,
        "reason": reason,
        "url": _link(add_url),
    }
    return _letter(customer, f"deposit:{deposit_number}:failed", "deposit_failed", context)


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
        "amount": _money(sum((part for part, _ in parts), money.ZERO)),
        "parts": [f"{_money(part)} to {destination}" for part, destination in parts],
        "send_by": _day(send_by),
        "bank_by": _day(bank_by),
        "arranged": _money(arranged) if arranged else "",
        "cancel_until": _moment(cancel_until),
        "url": _link(url),
    }
    return _letter(customer, f"withdrawal:{withdrawal_number}:scheduled", "withdrawal_scheduled", context)


def withdrawal_arranging(*, customer: User, withdrawal_number: int, amount: Decimal, reason: str, url: str) -> NewEmail:
    """No payment takes a withdrawal back, so support arranges another way. `reason` is a sentence that says why."""
    context = {"number": str(withdrawal_number), "amount": _money(amount), "reason": reason, "url": _link(url)}
    return _letter(customer, f"withdrawal:{withdrawal_number}:arranging", "withdrawal_arranging", context)


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
        "amount": _money(amount),
        "reason": reason,
        "send_by": _day(send_by) if send_by else "",
        "arranged": _money(arranged) if arranged else "",
        "url": _link(url),
    }
    return _letter(customer, f"withdrawal:{withdrawal_number}:in_review", "withdrawal_in_review", context)


def withdrawal_declined(*, customer: User, withdrawal_number: int, amount: Decimal, reason: str, url: str) -> NewEmail:
    """A withdrawal was declined and the money is back on the balance. `reason` is a sentence."""
    context = {"number": str(withdrawal_number), "amount": _money(amount), "reason": reason, "url": _link(url)}
    return _letter(customer, f"withdrawal:{withdrawal_number}:declined", "withdrawal_declined", context)


def withdrawal_canceled(*, customer: User, withdrawal_number: int, amount: Decimal, url: str) -> NewEmail:
    """A withdrawal was canceled before it was sent and the money is back on the balance."""
    context = {"number": str(withdrawal_number), "amount": _money(amount), "url": _link(url)}
    return _letter(customer, f"withdrawal:{withdrawal_number}:canceled", "withdrawal_canceled", context)


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
        "amount": _money(amount),
        "parts": [
            f"{_money(part)} to {method}" + (f", reference {reference}" if reference else "")
            for part, method, reference in parts
        ],
        "traceable": "yes" if any(reference for _part, _method, reference in parts) else "",
        "returned": _money(returned) if returned else "",
        "bank_by": _day(bank_by),
        "url": _link(url),
    }
    key = f"withdrawal:{withdrawal_number}:paid" if leg is None else f"withdrawal:{withdrawal_number}:leg:{leg}:paid"
    return _letter(customer, key, "withdrawal_paid", context)


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
        "amount": _money(amount),
        "method": method,
        "reason": reason,
        "way_out": _link(way_out),
        "url": _link(url),
    }
    return _letter(customer, f"withdrawal:{withdrawal_number}:leg:{leg}:failed", "withdrawal_failed", context)


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
        "amount": _money(amount),
        "destination": destination,
        "url": _link(url),
    }
    key = f"withdrawal:{withdrawal_number}:leg:{leg}:alternative:{proposal}"
    return _letter(customer, key, "alternative_proposed", context)


def _letter(customer: User, key: str, template: str, context: Mapping[str, str | Sequence[str]]) -> NewEmail:
    named = {"name": customer.name, **context}
    return NewEmail(key=key, to=customer.email, customer_id=customer.pk, template=template, context=named)


def _money(amount: Decimal) -> str:
    return money.display(amount, settings.PANEL_CURRENCY)


def _day(day: date) -> str:
    return in_words(day, "l, F j, Y")


def _moment(at: datetime) -> str:
    return in_words(timezone.localtime(at), "l, F j, Y, H:i T")


def _link(address: str) -> str:
    return urljoin(f"{settings.SITE_URL}/", address)
