"""`reconcile [--json] [--days N]`: compare our books with the gateways'.

Exit status: 0 everything agrees, 1 something differs, 2 nothing was seen to differ, but a gateway could not be asked.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing import reconciliation
from billing.reconciliation import Report, Sum
from panel.kernel import money

MOST_DAYS = 3_660


class Command(BaseCommand):
    help = "Compare payments and refunds with the gateways' books, take in what was missed, list what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        parser.add_argument(
            "--days",
            type=int,
            default=reconciliation.LOOK_BACK.days,
            help="how far to look back",
        )

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        if not 1 <= options["days"] <= MOST_DAYS:
            message = f"--days is from 1 to {MOST_DAYS}, not {options['days']}"
            raise CommandError(message)
        reports = reconciliation.reconcile_all(
            at=timezone.now(), look_back=timedelta(days=options["days"]), progress=self._tell
        )
        if options["json"]:
            document = {
                "clean": all(report.agrees for report in reports),
                "currency": settings.PANEL_CURRENCY,
                "gateways": [_as_json(report) for report in reports],
            }
            self.stdout.write(json.dumps(document, indent=2))
        else:
            for report in reports:
                self.stdout.write("\n".join(_in_words(report)))
        _fail_unless_clean(reports)

    def _tell(self, gateway: str, until: datetime) -> None:
        self.stderr.write(f"{gateway}: compared until {until:%Y-%m-%d %H:%M}")


def _fail_unless_clean(reports: list[Report]) -> None:
    differences = sum(len(report.found) for report in reports)
    unreached = [report.gateway for report in reports if report.unreached]
    if differences:
        message = f"{_differences(differences)} between the gateways' books and ours"
        raise CommandError(message, returncode=1)
    if unreached:
        message = f"not compared: {', '.join(unreached)}"
        raise CommandError(message, returncode=2)


def _in_words(report: Report) -> list[str]:
    name = f"{report.gateway}, {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    if report.unreached:
        return [f"{name}: not compared, the list stays as it is. {report.unreached}"]
    return [
        name,
        f"  payments  gateway {_sum(report.gateway_payments)}, ours {_sum(report.our_payments)}",
        f"  refunds   gateway {_sum(report.gateway_refunds)}, ours {_sum(report.our_refunds)}",
        f"  disputes  gateway {_sum(report.gateway_disputes)}, ours {_sum(report.our_disputes)}",
        f"  clearing  {money.display(report.clearing, settings.PANEL_CURRENCY)} by our ledger",
        f"  {report.others} other lines (fees, payouts)",
        *(f"  TAKEN IN {reference}" for reference in report.repaired),
        *(f"  DIFFERS {item.problem.label}: {item.reference}. {item.description}" for item in report.found),
        "  Everything agrees." if report.agrees else f"  {_differences(len(report.found))}.",
    ]


def _differences(count: int) -> str:
    return f"{count} {'difference' if count == 1 else 'differences'}"


def _sum(total: Sum) -> str:
    return f"{total.count} of {money.display(total.total, settings.PANEL_CURRENCY)}"


def _as_json(report: Report) -> dict[str, object]:
    return {
        "gateway": report.gateway,
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "unreached": report.unreached,
        "payments": {"gateway": _sum_as_json(report.gateway_payments), "ours": _sum_as_json(report.our_payments)},
        "refunds": {"gateway": _sum_as_json(report.gateway_refunds), "ours": _sum_as_json(report.our_refunds)},
        "disputes": {"gateway": _sum_as_json(report.gateway_disputes), "ours": _sum_as_json(report.our_disputes)},
        "other_lines": report.others,
        "clearing": money.plain(report.clearing),
        "repaired": list(report.repaired),
        "found": [
            {
                "problem": item.problem.value,
                "reference": item.reference,
                "description": item.description,
                "amount": money.plain(item.amount),
            }
            for item in report.found
        ],
    }


def _sum_as_json(total: Sum) -> dict[str, object]:
    return {"count": total.count, "total": money.plain(total.total)}
