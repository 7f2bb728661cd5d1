"""What all letters are written with: amounts, days, moments and links, as the templates show them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urljoin

from django.conf import settings
from django.utils.dateformat import format as in_words

from panel.accounts.models import User
from panel.kernel import money as kernel_money
from panel.kernel import time_zones
from panel.notifications.outbox import NewEmail


def letter(customer: User, key: str, template: str, context: Mapping[str, str | Sequence[str]]) -> NewEmail:
    """Return an e-mail to this person, who is greeted by name; `key` says what it is about."""
    named = {"name": customer.name, **context}
    return NewEmail(key=key, to=customer.email, customer_id=customer.pk, template=template, context=named)


def money(amount: Decimal) -> str:
    """Write an amount at the money scale with the panel's currency."""
    return kernel_money.display(amount, settings.PANEL_CURRENCY)


def day(promised: date) -> str:
    """Write a day: `Friday, November 27, 2026`. Which day it is was counted in the panel's zone."""
    return in_words(promised, "l, F j, Y")


def reckoning() -> str:
    """Say whose business days and whose clock promised days are by."""
    return (
        f"Business days are those of the {settings.BUSINESS_CALENDAR} calendar, in the time zone {settings.TIME_ZONE}."
    )


def moment(at: datetime, *, reader: User) -> str:
    """Write an instant in the reader's time zone, and name that zone: `Friday, November 20, 2026, 13:00 CET`."""
    local = at.astimezone(reader.zone)
    return f"{in_words(local, 'l, F j, Y, H:i')} {time_zones.mark(local)}"


def link(address: str) -> str:
    """Return the whole address of a page whose path may be given alone."""
    return urljoin(f"{settings.SITE_URL}/", address)
