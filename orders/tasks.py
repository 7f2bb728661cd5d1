"""Scheduled work of the orders room. The beat starts the sweeps; each drains what is due, within bounds.

Every task may run twice and any may be lost: what is due stays a row with a due time.
"""

from typing import Final

from celery import shared_task
from django.utils import timezone

from orders.fulfilment import cancels, refill_polls, refilling, submit, sync, unknowns

MOST_WAITING: Final = 1000  # submissions claimed and not called; more would only be claimed for longer
BATCH: Final = 100
MOST_ROUNDS: Final = 20


@shared_task
def submit_due() -> None:
    """Claim due orders and start a task for each."""
    room = MOST_WAITING - submit.waiting()
    while room > 0:
        claimed = submit.claim(limit=min(BATCH, room), at=timezone.now())
        if not claimed:
            return
        room -= len(claimed)
        for submission_id in claimed:
            send_submission.delay_on_commit(submission_id=submission_id)


@shared_task
def send_submission(*, submission_id: int) -> None:
    """Hand one claimed order to its provider."""
    submit.send(submission_id=submission_id, at=timezone.now())


@shared_task
def sync_due() -> None:
    """Poll what is due."""
    for _ in range(MOST_ROUNDS):
        if not sync.sync_due(limit=BATCH, at=timezone.now()).polled:
            return


@shared_task
def send_cancels() -> None:
    """Pass on cancel requests that are due."""
    for _ in range(MOST_ROUNDS):
        if not cancels.send_due(limit=BATCH, at=timezone.now()):
            return


@shared_task
def send_refills() -> None:
    """Claim refills that are due and start a task for each: its call may take its time."""
    for refill_id in refilling.claim_due(limit=BATCH, at=timezone.now()):
        send_refill.delay_on_commit(refill_id=refill_id)


@shared_task
def send_refill(*, refill_id: int) -> None:
    """Pass one refill on to its provider."""
    refilling.send(refill_id=refill_id, at=timezone.now())


@shared_task
def poll_refills() -> None:
    """Ask how the refills stand that are due."""
    for _ in range(MOST_ROUNDS):
        if not refill_polls.poll_due(limit=BATCH, at=timezone.now()):
            return


@shared_task
def resolve_unknown() -> None:
    """Find out what became of submissions, and give up calls for refills, that a dead worker left behind."""
    now = timezone.now()
    refilling.give_up_calls(at=now)
    unknowns.give_up_calls(at=now)
    unknowns.expire(at=now)
    for submission_id in unknowns.abandoned(limit=BATCH, at=now):
        send_submission.delay_on_commit(submission_id=submission_id)
    for submission_id in unknowns.claim_repeats(limit=BATCH, at=now):
        ask_again.delay_on_commit(submission_id=submission_id)


@shared_task
def ask_again(*, submission_id: int) -> None:
    """Ask a provider once more about one submission whose outcome is unknown."""
    unknowns.ask_again(submission_id=submission_id, at=timezone.now())
