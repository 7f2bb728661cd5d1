"""`create_api_key EMAIL [--name N]`: print a new API key of a customer, once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from panel.accounts import keys
from panel.accounts.models import User
from panel.kernel.errors import PanelError


class Command(BaseCommand):
    help = "Create an API key for a customer and print it; it can't be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="what will use the key")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        try:
            user = User.objects.get(email__iexact=options["email"])
        except User.DoesNotExist as error:
            message = f"There is no account with the e-mail address {options['email']}."
            raise CommandError(message) from error
        try:
            _, secret = keys.create(user=user, name=options["name"])
        except PanelError as error:
            raise CommandError(error.message) from error
        self.stdout.write(secret)
