"""How often payments are disputed and how that ends, by the month in which the dispute was opened."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Month:
    """The disputes opened in one month, by the panel's calendar. Money scale.

    Attributes:
        first_day: of the month.
        payments: how many deposits were paid at gateways that know disputes.
        inquiries: questions of banks; they count in nothing else unless they became formal.
        opened, won, lost, closed, waiting: formal disputes, and how they stand now.
        claimed, gone: what they claim, and what was lost for good.
        in_other_currencies: how many of them claim in another currency; `claimed` is without those.
    """

    first_day: date
    payments: int
    inquiries: int
    opened: int
    won: int
    lost: int
    closed: int
    waiting: int
    claimed: Decimal
    gone: Decimal
    in_other_currencies: int

    @property
    def rate(self) -> Decimal | None:
        """Disputes for a hundred payments of the month, as the card networks count them; None without payments."""
        return Decimal(100 * self.opened) / self.payments if self.payments else None

    @property
    def win_rate(self) -> Decimal | None:
        """How many of a hundred decided ones were won; None when none is decided."""
        decided = self.won + self.lost
        return Decimal(100 * self.won) / decided if decided else None


_FIGURES: Final = """
    WITH months AS (
        SELECT date_trunc('month', %(start)s::timestamptz AT TIME ZONE %(zone)s) + n * interval '1 month' AS first_day
        FROM generate_series(0, %(last)s) AS n
    ), disputes AS (
        SELECT date_trunc('month', opened_at AT TIME ZONE %(zone)s) AS first_day,
               count(*) FILTER (WHERE NOT formal) AS inquiries,
               count(*) FILTER (WHERE formal) AS opened,
               count(*) FILTER (WHERE formal AND standing = 'won') AS won,
               count(*) FILTER (WHERE formal AND standing = 'lost') AS lost,
               count(*) FILTER (WHERE formal AND standing = 'closed') AS closed,
               count(*) FILTER (WHERE formal AND standing NOT IN ('won', 'lost', 'closed')) AS waiting,
               coalesce(sum(amount) FILTER (WHERE formal AND currency = %(currency)s), 0) AS claimed,
               count(*) FILTER (WHERE formal AND currency <> %(currency)s) AS foreign_claims,
               coalesce(sum(lost), 0) AS gone
        FROM (
            SELECT d.*, EXISTS (
                SELECT 1 FROM billing_disputeevent e
                WHERE e.dispute_id = d.id AND e.to_standing NOT IN ('inquiry', 'closed')
            ) AS formal
            FROM billing_dispute d WHERE opened_at >= %(start)s
        ) d
        GROUP BY 1
    ), paid AS (
        SELECT date_trunc('month', paid_at AT TIME ZONE %(zone)s) AS first_day, count(*) AS payments
        FROM billing_deposit WHERE paid_at >= %(start)s AND gateway <> 'manual' GROUP BY 1
    )
    SELECT m.first_day::date, coalesce(p.payments, 0), coalesce(d.inquiries, 0), coalesce(d.opened, 0),
           coalesce(d.won, 0), coalesce(d.lost, 0), coalesce(d.closed, 0), coalesce(d.waiting, 0),
           coalesce(d.claimed, 0), coalesce(d.gone, 0), coalesce(d.foreign_claims, 0)
    FROM months m LEFT JOIN disputes d USING (first_day) LEFT JOIN paid p USING (first_day)
    ORDER BY 1
"""


def by_month(*, at: datetime, months: int = MONTHS) -> list[Month]:
    """Return the last months, the one of `at` among them, oldest first; one statement."""
    zone = ZoneInfo(settings.TIME_ZONE)
    first = at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    with connection.cursor() as cursor:
        cursor.execute(
            _FIGURES,
            {
                "start": first,
                "zone": settings.TIME_ZONE,
                "last": months - 1,
                "currency": settings.PANEL_CURRENCY,
            },
        )
        return [Month(*row) for row in cursor.fetchall()]
