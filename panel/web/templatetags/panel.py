"""How pages write money, times, units and long links."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from panel.kernel import money as kernel_money
from panel.kernel import time_zones
from panel.web import withdrawal_words

register = template.Library()
register.filter("sentence", withdrawal_words.sentence)
LONGEST_SHOWN_LINK: Final = 48


@register.filter
def money(amount: Decimal) -> str:
    """Write an amount at the money scale with its currency: `1,234.50 USD`."""
    return kernel_money.display(amount, settings.PANEL_CURRENCY)


@register.filter
def signed_money(amount: Decimal) -> str:
    """Write an amount with its sign, plus included: `+5.00 USD`."""
    sign = "+" if amount > 0 else ""
    return f"{sign}{money(amount)}"


@register.filter
def plain_amount(amount: Decimal) -> str:
    """Write an amount as it is typed into a form: `1234.50`."""
    return kernel_money.plain(amount)


@register.filter
def units(number: int) -> str:
    """Write a number of units with its thousands separated: `12,000`."""
    return f"{number:,}"


@register.filter
def short_link(link: str) -> str:
    """Write a link without its scheme, and only the two ends of a long one; the whole is in the `title` beside it."""
    bare = link.split("://", 1)[-1].removeprefix("www.").removesuffix("/")
    if len(bare) <= LONGEST_SHOWN_LINK:
        return bare
    tail = LONGEST_SHOWN_LINK // 3
    return f"{bare[: LONGEST_SHOWN_LINK - tail - 1]}…{bare[-tail:]}"


@register.filter
def when(moment: datetime) -> SafeString:
    """Write an instant in the reader's zone, for people and machines: `<time …>2 Nov 2026, 13:00 CET</time>`."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}">{} {} {}</time>',
        local.isoformat(timespec="seconds"),
        local.day,
        f"{local:%b %Y, %H:%M}",
        time_zones.mark(local),
    )
