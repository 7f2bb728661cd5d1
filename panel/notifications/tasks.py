"""Sending what is due: started after a commit that wrote e-mails, and by the beat. May run twice at once."""

import time
from typing import Final

from celery import shared_task
from django.utils import timezone

from panel.notifications import sending

BATCH: Final = 50
BEGINS_WITHIN: Final = 60.0  # seconds; with the last batch, well below the time limit of a task


@shared_task
def send_due() -> None:
    """Send the e-mails that are due, batch after batch; what is left after a minute is the next sweep's."""
    begun = time.monotonic()
    while time.monotonic() - begun < BEGINS_WITHIN:
        if not sending.send_due(limit=BATCH, at=timezone.now()):
            return
