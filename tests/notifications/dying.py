"""A sender that dies right after the mail server took its e-mail, as SIGKILL would have it.

python -m tests.notifications.dying <instant>
"""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

import django
from django.core.mail import EmailMessage

from panel.sandbox.mail import EmlBackend


class DyingBackend(EmlBackend):
    """Writes the message, and that was the last thing it did."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        super().send_messages(email_messages)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


if __name__ == "__main__":
    django.setup()
    from django.conf import settings

    from panel.notifications import sending

    settings.EMAIL_BACKEND = "tests.notifications.dying.DyingBackend"
    sending.send_due(limit=10, at=datetime.fromisoformat(sys.argv[1]))
