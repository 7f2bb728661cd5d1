"""`publish_policy FILE [--effective-from T]`: put a policy document in force for new orders."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from panel.kernel.errors import PanelError
from refunds import publishing
from refunds.management import mistakes


class Command(BaseCommand):
    help = "Publish a refund policy document as a new immutable version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="a TOML document; see docs/policies.md")
        parser.add_argument("--effective-from", help="ISO time, UTC unless it names another zone; default: now")
        parser.add_argument(
            "--first-start", action="store_true", help="publish the policy named by REFUND_POLICY if there is none yet"
        )

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own signature
        now = timezone.now()
        if options["first_start"]:
            first = publishing.publish_first(at=now)
            self.stdout.write(f"{first} is in force." if first else "A refund policy is in force already.")
            return
        if not options["file"]:
            raise CommandError("Name the policy document to publish.")
        path = Path(options["file"])
        try:
            text = path.read_text(encoding="utf-8")
            version = publishing.publish(
                text=text, source=path.name, effective_from=_time(options["effective_from"]) or now, at=now
            )
        except (OSError, UnicodeDecodeError) as error:
            message = f"{path} can't be read: {error}"
            raise CommandError(message) from error
        except PanelError as error:
            raise mistakes.told(error, self.stdout, as_json=False) from error
        self.stdout.write(f"{version} is in force from {version.effective_from:%Y-%m-%d %H:%M:%S} UTC.")


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        parsed = parse_datetime(text)
    except ValueError:
        parsed = None
    if parsed is None:
        message = f"--effective-from {text} is not a time; write 2026-12-01T00:00"
        raise CommandError(message)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
