"""E-mail for a machine without a mail server: each message becomes one `.eml` file that any mail program opens."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import filebased


class EmlBackend(filebased.EmailBackend):
    """Write each message to `settings.MAIL_DIR` as `<time>-<unique>.eml`; file names sort by time."""

    def __init__(self, *, fail_silently: bool = False, file_path: str | None = None, **_options: object) -> None:
        super().__init__(fail_silently=fail_silently, file_path=file_path or str(settings.MAIL_DIR))
        self.folder = Path(file_path or settings.MAIL_DIR)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the messages and return how many; those without a recipient are left out, as SMTP would."""
        written = 0
        for email in email_messages:
            if not email.recipients():
                continue
            name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
            half = self.folder / f".{name}"
            half.write_bytes(email.message().as_bytes())
            half.rename(self.folder / f"{name}.eml")  # whoever watches the folder never sees half a message
            written += 1
        return written
