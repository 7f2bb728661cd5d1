"""`audit_ledger [--json]`: recompute the books; exit 1 and list each broken invariant."""

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from refunds import audit


class Command(BaseCommand):
    help = "Recompute every balance and every order's money from the transfers; exit 1 if anything differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        found = audit.findings()
        if options["json"]:
            document = {"clean": not found, "findings": [dataclasses.asdict(finding) for finding in found]}
            self.stdout.write(json.dumps(document, indent=2))
        for finding in found:
            self.stderr.write(f"BROKEN ({finding.count}): {finding.invariant}")
            for example in finding.examples:
                self.stderr.write(f"    {example}")
        if found:
            message = f"{len(found)} invariants are broken"
            raise CommandError(message)
        if not options["json"]:
            self.stdout.write("The books are right: every invariant holds.")
