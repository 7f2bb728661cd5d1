"""Compare two policy documents, or published versions: what comes out otherwise, which figures and words differ."""

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from panel.kernel.errors import PanelError
from refunds import documents
from refunds.management import mistakes
from refunds.policy import differences
from refunds.policy.differences import Difference
from refunds.policy.outcomes import DIRECTIONS


class Command(BaseCommand):
    help = (
        "Compare two refund policies: the combinations of facts that come out otherwise, merged into rules, then the"
        " figures and texts that differ. Each is a TOML file, or a published version such as money-back-guarantee:2."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old", help="a policy document (TOML), or SLUG:NUMBER of a published version")
        parser.add_argument("new", help="what would take its place")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        try:
            old, new = documents.named(options["old"]), documents.named(options["new"])
        except PanelError as error:
            raise mistakes.told(error, self.stdout, as_json=options["json"]) from error
        found = differences.compare(old, new)
        if options["json"]:
            self.stdout.write(json.dumps(_document(found), indent=2))
        else:
            self.stdout.write("\n".join(_report(found)))


def _document(found: Difference) -> dict[str, Any]:
    currency = settings.PANEL_CURRENCY
    return {
        "combinations": found.combinations,
        "changed": found.changed,
        "moved": found.moved,
        "changes": [
            {
                "facts": dict(change.row.facts),
                "combinations": change.row.combinations,
                "before": change.before.words(currency),
                "after": change.after.words(currency),
                "clauses_before": change.clauses_before,
                "clauses_after": change.clauses_after,
                "direction": change.direction,
            }
            for change in found.changes
        ],
        "figures": [asdict(figure) for figure in found.figures],
        "texts": [asdict(text) for text in found.texts],
    }


def _report(found: Difference) -> list[str]:
    if found.is_empty and not found.moved:
        return ["Nothing differs."]
    lines = [
        f"{found.changed:,} of {found.combinations:,} combinations of facts come out otherwise.",
        f"{found.moved:,} come out alike by another clause.",
    ]
    for change in found.changes:
        lines += [
            "",
            change.row.words,
            f"    before: {change.before.words(settings.PANEL_CURRENCY)} ({', '.join(change.clauses_before)})",
            f"    after:  {change.after.words(settings.PANEL_CURRENCY)} ({', '.join(change.clauses_after)})",
            f"    {DIRECTIONS[change.direction]}; {change.row.combinations:,} combinations",
        ]
    if found.figures:
        lines += ["", "Figures and choices:"]
        lines += [f"  {one.key}: {one.before or 'nothing'} -> {one.after or 'nothing'}" for one in found.figures]
    if found.texts:
        lines += ["", "Texts:"]
    for text in found.texts:
        lines.append(f"  {text.where}")
        lines += [f"    - {text.before}"] if text.before is not None else []
        lines += [f"    + {text.after}"] if text.after is not None else []
    return lines
