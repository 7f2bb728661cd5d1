"""`sync_orders [--json]`: ask every provider about every running order, now."""

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orders.fulfilment import sync
from orders.fulfilment.sync import Tally


class Command(BaseCommand):
    help = "Poll every running order once, due or not, and settle what its provider reports."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        at = timezone.now()
        due = sync.make_due(at=at)
        tally = Tally()
        while tally.polled < due and (batch := sync.sync_due(at=at)).polled:
            tally += batch
            if not options["json"]:
                self.stdout.write(f"{tally.polled} of {due} orders polled")
        if options["json"]:
            self.stdout.write(json.dumps(dataclasses.asdict(tally)))
        else:
            self.stdout.write(f"{tally.moved} moved, {tally.concerns} need a person, {tally.failed} not answered")
        if tally.failed:
            message = f"{tally.failed} orders got no answer; they keep their state and are asked again."
            raise CommandError(message)
