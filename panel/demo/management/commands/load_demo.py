"""`load_demo [--provider-url URL] [--provider-key KEY] [--json]`: fill an empty panel with the demo's data."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orders.models import Category
from panel.demo import catalog, disputing, history, laboratory, people, till
from panel.demo.paying_out import Stage
from panel.kernel.errors import PanelError


class Command(BaseCommand):
    help = (
        "Load the demo's people, catalog, past orders and payments; a second run keeps them. Never outside of the"
        " sandbox: the customers pay at the payments sandbox that STRIPE_API_BASE names."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider-url", help="where the sandbox provider listens")
        parser.add_argument("--provider-key", help="the key that it takes")
        parser.add_argument("--json", action="store_true", help="print who may sign in as one JSON document")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        if not (settings.SANDBOX or settings.DEBUG or settings.TESTING):
            message = "Demo data is for the sandbox, so nothing was loaded: set SANDBOX=1 if this is one."
            raise CommandError(message)
        url = options["provider_url"]
        if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            message = f"--provider-url {url} is not an http address."
            raise CommandError(message)
        now = timezone.now()
        try:
            with till.opened() as open_till:
                users, sign_ins = people.load(secrets_file=settings.VAR_DIR / "demo-credentials.json", at=now)
                catalog.load(provider_url=url, provider_key=options["provider_key"])
                stage = Stage(users, open_till)
                placed = history.load(stage=stage, now=now)
                disputing.load(stage, now=timezone.now())
            reach = Category.objects.get(name=catalog.REACH)
            laboratory.load(users, category=reach.pk, now=timezone.now())
        except PanelError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(sign_ins))
            return
        self.stdout.write(f"{placed} past orders were placed." if placed else "The demo data is there already.")
        for role, person in sign_ins.items():
            self.stdout.write(f"{role}: {'  '.join(person.values())}")
