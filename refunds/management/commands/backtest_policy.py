"""`backtest_policy FILE [--since D] [--until D] [--json]`: what a policy would have paid on past orders."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from orders.models import Service
from panel.kernel import money
from panel.kernel.errors import PanelError
from refunds import documents
from refunds.backtesting import running
from refunds.backtesting.results import OrderChange, Result, Sums, why_waiting
from refunds.backtesting.running import Progress
from refunds.management import mistakes
from refunds.policy.document import Policy

_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Work out what a refund policy would have paid on past orders, against what was paid. Reads only, on one"
        " snapshot. FILE is a TOML document, or a published version such as money-back-guarantee:2."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a policy document (TOML), or SLUG:NUMBER of a published version")
        parser.add_argument("--since", help="orders placed from this day on, such as 2026-01-01; default: all")
        parser.add_argument("--until", help="orders placed before this day; default: now")
        parser.add_argument("--json", action="store_true", help="print one JSON document; progress goes to stderr")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        since = _moment(options["since"], "--since") or running.LONG_AGO
        until = _moment(options["until"], "--until") or timezone.now()
        try:
            policy = documents.named(options["file"])
            result = running.run(policy, since=since, until=until, told=self._tell)
        except PanelError as error:
            raise mistakes.told(error, self.stdout, as_json=options["json"]) from error
        if options["json"]:
            self.stdout.write(json.dumps(result.as_dict(), indent=2))
        else:
            self.stdout.write("\n".join(_report(result, policy)))

    def _tell(self, progress: Progress) -> None:
        self.stderr.write(f"{progress.orders:,} orders, {progress.part:.0%}")


def _moment(text: str | None, option: str) -> datetime | None:
    """Read a day of the panel's zone, or a time."""
    if not text:
        return None
    try:
        day, instant = parse_date(text), parse_datetime(text)
    except ValueError:
        day = instant = None
    if day is not None:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(settings.TIME_ZONE))
    if instant is None:
        message = f"{option} {text} is no day; write 2026-01-01"
        raise CommandError(message)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _report(result: Result, policy: Policy) -> list[str]:
    total = result.total
    lines = [
        f"{total.orders:,} ended orders, {total.changed:,} of them would have come out otherwise.",
        f"Refunded {_shown(total.paid)}; by this policy {_shown(total.candidate)} ({_signed(total)}).",
        f"Left to a person: up to {_shown(total.waiting)} more.",
    ]
    lines += _table("By clause", [(f"{old} -> {new}", sums) for (old, new), sums in result.by_clause.items()])
    names = dict(Service.objects.filter(pk__in=list(result.by_service)).values_list("pk", "name"))
    lines += _table("By service", [(names.get(key, str(key)), sums) for key, sums in result.by_service.items()])
    lines += _table("By month", sorted(result.by_month.items()), by_change=False)
    lines += _table("By standing", sorted(result.by_standing.items()), by_change=False)
    if result.largest:
        lines += ["", "Largest changes:"]
    lines += [
        f"  order {order.order}: {_shown(order.paid)} -> {_shown(order.candidate)}"
        f" ({order.clause_before} -> {order.clause_after}){_note(policy, order)}"
        for order in result.largest[:_SHOWN]
    ]
    return lines


def _note(policy: Policy, order: OrderChange) -> str:
    why = why_waiting(policy, order)
    return f"; up to {_shown(order.waiting)} {why}" if why else ""


def _table(title: str, rows: list[tuple[str, Sums]], *, by_change: bool = True) -> list[str]:
    if by_change:
        rows = sorted(rows, key=lambda row: -abs(row[1].change))
    lines = ["", f"{title}:"]
    lines += [
        f"  {name}: {sums.orders:,} orders, {_shown(sums.paid)} -> {_shown(sums.candidate)} ({_signed(sums)})"
        for name, sums in rows[:_SHOWN]
    ]
    return [*lines, f"  and {len(rows) - _SHOWN:,} more"] if len(rows) > _SHOWN else lines


def _signed(sums: Sums) -> str:
    return f"{'+' if sums.change >= 0 else ''}{_shown(sums.change)}"


def _shown(amount: Any) -> str:  # noqa: ANN401 - Decimal
    return money.display(amount, settings.PANEL_CURRENCY)
