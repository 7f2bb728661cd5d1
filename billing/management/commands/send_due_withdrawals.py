"""`send_due_withdrawals`: carry out what is due of the withdrawals, now."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.sending import work


class Command(BaseCommand):
    help = "Send, look for and follow up every part of a withdrawal that is due; the worker does the same by itself."

    def handle(self, **_options: Any) -> None:  # noqa: ANN401 - Django's own signature
        total = 0
        while made := work.send_due():
            total += made
            self.stderr.write(f"{total} made so far")
        calls = "call" if total == 1 else "calls"
        self.stdout.write(f"{total} {calls} made to the gateways; nothing more is due.")
