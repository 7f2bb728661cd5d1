"""`import_services PROVIDER [--markup 1.3] [--dry-run]`: take over a provider's price list."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders import importing
from orders.importing import Kind, Plan
from orders.models import Provider
from panel.kernel.errors import PanelError

_MARKS = {Kind.NEW: "+", Kind.CHANGED: "~", Kind.OFF: "-", Kind.LEFT_OUT: "!", Kind.SAME: "="}


class Command(BaseCommand):
    help = (
        "Make services of a provider's price list, or bring price, limits and flags of those here up to date. Services"
        " that left the list are switched off; nothing is deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", help="name of the provider")
        parser.add_argument("--markup", default="1.3", help="factor on the provider's rates (default: %(default)s)")
        parser.add_argument("--dry-run", action="store_true", help="only show what would change")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        provider = Provider.objects.filter(name=options["provider"]).first()
        if provider is None:
            known = ", ".join(Provider.objects.order_by("name").values_list("name", flat=True)) or "there are none"
            message = f"There is no provider named {options['provider']}. Known: {known}."
            raise CommandError(message)
        try:
            planned = importing.plan(provider=provider, markup=importing.parse_markup(options["markup"]))
            self._show(planned)
            if not options["dry_run"]:
                importing.carry_out(planned)
        except PanelError as error:
            raise CommandError(error.message) from error
        if options["dry_run"]:
            self.stdout.write("Nothing was written (--dry-run).")

    def _show(self, planned: Plan) -> None:
        for change in planned.changes:
            if change.kind is not Kind.SAME or change.detail:
                line = f"{_MARKS[change.kind]} {change.number:>8}  {change.name[:60]:<60}  {change.detail}"
                self.stdout.write(line.rstrip())
        counts = importing.counted(planned.changes)
        self.stdout.write(", ".join(f"{count} {kind}" for kind, count in counts.items()))
