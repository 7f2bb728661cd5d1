"""A worker is killed while it passes a refill on: the provider is asked once, and a person is told."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orders import refill_handling
from orders.fulfilment import client, refilling
from orders.models import AttentionItem, AttentionKind, Passing, Refill
from panel.sandbox import provider
from panel.sandbox.provider import Sandbox
from tests.chaos import processes
from tests.chaos.processes import ended, holding, kill, kill_waiting, until
from tests.factories import make_staff
from tests.orders.fulfilment.stage import MINUTE, POLL, provider_of, refill_at

pytestmark = pytest.mark.django_db(transaction=True)

THIS_ROW = "SELECT id FROM orders_refill WHERE id = %s FOR UPDATE"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True) as running:
        yield running
    client.close_pools()


@pytest.fixture
def refill(sandbox: Sandbox) -> Refill:
    return refill_at(sandbox, provider_of(sandbox))


def start(refill: Refill, var: Path) -> processes.Process:
    command = [sys.executable, "-m", "tests.chaos.refill_sender", str(refill.pk), POLL.isoformat()]
    return processes.start(command, var)


def is_asked(sandbox: Sandbox) -> bool:
    """Whether the call has arrived at the provider, which takes its time."""
    return not sandbox.site.faults.left()


def sweep() -> None:
    """Run every sweep for a day, as beat would."""
    for minutes in (2, 4, 60, 24 * 60):
        now = POLL + minutes * MINUTE
        refilling.give_up_calls(at=now)
        for refill_id in refilling.claim_due(limit=10, at=now):
            refilling.send(refill_id=refill_id, at=now)


def assert_told(refill: Refill) -> None:
    sweep()
    refill.refresh_from_db()
    assert (refill.passing, refill.provider_refill_id) == (Passing.UNKNOWN, "")
    assert AttentionItem.objects.get().kind == AttentionKind.REFILL_UNKNOWN


def test_killed_before_it_wrote_down_that_it_calls_the_next_sweep_passes_it_on(
    sandbox: Sandbox, refill: Refill, tmp_path: Path
) -> None:
    with holding(THIS_ROW, refill.pk):
        worker = start(refill, tmp_path)
        with ended(worker):
            kill_waiting(worker)

    sweep()

    refill.refresh_from_db()
    assert refill.passing == Passing.ACCEPTED
    assert len(sandbox.refills()) == 1


def test_one_that_was_about_to_be_called_for_is_asked_for_when_a_person_says_so(
    sandbox: Sandbox, refill: Refill
) -> None:
    Refill.objects.filter(pk=refill.pk).update(passing=Passing.CALLING, called_at=POLL, send_due_at=None)

    assert_told(refill)
    assert sandbox.refills() == []
    later = POLL + timedelta(days=2)
    refill_handling.not_there(refill_id=refill.pk, staff=make_staff(), at=later)

    assert refilling.send(refill_id=refill.pk, at=later) == Passing.ACCEPTED
    assert len(sandbox.refills()) == 1


def test_killed_while_the_provider_takes_its_time(sandbox: Sandbox, refill: Refill, tmp_path: Path) -> None:
    sandbox.fault("slow", action="refill", seconds=2, times=1)
    worker = start(refill, tmp_path)
    with ended(worker):
        until(lambda: is_asked(sandbox))
        kill(worker)

    until(sandbox.refills)  # the provider carries it out all the same
    assert_told(refill)
    assert len(sandbox.refills()) == 1


def test_killed_between_the_answer_and_its_record(sandbox: Sandbox, refill: Refill, tmp_path: Path) -> None:
    sandbox.fault("slow", action="refill", seconds=2, times=1)
    worker = start(refill, tmp_path)
    with ended(worker):
        until(lambda: is_asked(sandbox))
        with holding(THIS_ROW, refill.pk):
            kill_waiting(worker)

    assert_told(refill)
    [there] = sandbox.refills()
    found = str(there["refill"])
    refill_handling.found(
        refill_id=refill.pk, provider_refill_id=found, staff=make_staff(), at=POLL + timedelta(days=2)
    )

    refill.refresh_from_db()
    assert (refill.passing, refill.provider_refill_id) == (Passing.ACCEPTED, found)
