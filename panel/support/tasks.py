"""Scheduled work of the support room. It may run twice."""

from celery import shared_task
from django.utils import timezone

from panel.support import digest


@shared_task
def send_digest() -> None:
    """Write this morning's letter to staff; those who have it already get no second one."""
    digest.put(at=timezone.now())
