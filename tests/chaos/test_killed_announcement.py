"""A worker is killed while it writes the letters about a policy: each customer is written to once all the same."""

import sys
from pathlib import Path

import pytest
from django.db import transaction

from panel.notifications.models import Email
from refunds import announcing
from refunds.models import PolicyAnnouncement
from tests.chaos import processes
from tests.chaos.processes import ended, holding, kill_waiting
from tests.factories import AT, make_customer, make_staff, policies

pytestmark = pytest.mark.django_db(transaction=True)

COMMAND = [sys.executable, "-m", "tests.chaos.announcer"]
WRITING = "LOCK TABLE notifications_email IN SHARE MODE"


def test_killed_while_it_writes_the_next_one_writes_them(tmp_path: Path) -> None:
    customers = [make_customer(name) for name in ("ada", "bea", "cora")]
    grace = make_staff("grace")
    version = policies.publish(grace, make_staff("hiro"))
    with transaction.atomic():
        announcing.ask(version, staff=grace, at=AT)
    assert announcing.carry_on(at=AT, limit=1) == 1

    with holding(WRITING):
        worker = processes.start(COMMAND, tmp_path)
        with ended(worker):
            kill_waiting(worker)

    assert [letter.customer for letter in Email.objects.all()] == customers[:1]
    assert PolicyAnnouncement.objects.get().written == 1

    assert announcing.carry_on(at=AT) == 2
    assert [letter.customer for letter in Email.objects.order_by("customer")] == customers
    assert PolicyAnnouncement.objects.get().written == 3
    assert announcing.carry_on(at=AT) == 0
