"""`add_provider NAME --url URL --key KEY [--repeats-safe]`: add a provider that orders can be sent to."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.fulfilment import providers
from panel.kernel.errors import PanelError


class Command(BaseCommand):
    help = "Add a provider that speaks API v2. Its services are taken over with import_services."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--url", required=True, help="address of its API, such as https://provider.example/api/v2")
        parser.add_argument("--key", required=True, help="our API key there")
        parser.add_argument(
            "--repeats-safe",
            action="store_true",
            help="it promises that an add with the same request_id makes the same order",
        )

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        try:
            provider = providers.add(
                name=options["name"],
                api_url=options["url"],
                api_key=options["key"],
                repeats_safe=options["repeats_safe"],
            )
        except PanelError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{provider.name} is added. Next: manage.py import_services '{provider.name}'")
