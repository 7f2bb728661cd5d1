"""Runs and announcements wait in line, and one that can't be carried out keeps no other waiting."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from panel.accounts.models import User
from panel.notifications.models import Email
from refunds import announcing
from refunds.backtesting import running, runs
from refunds.models import BacktestState, PolicyAnnouncement, PolicyBacktest, PolicyVersion
from tests.factories import AT, make_customer, make_staff, policies

pytestmark = pytest.mark.django_db


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def two_runs(grace: User) -> tuple[PolicyBacktest, PolicyBacktest]:
    draft = policies.draft(grace)

    def ask() -> PolicyBacktest:
        return runs.ask(draft_id=draft.pk, since=running.LONG_AGO, until=AT, staff=grace, at=AT)

    return ask(), ask()


def test_a_run_that_was_begun_too_often_is_ended_and_the_next_one_begun(
    two_runs: tuple[PolicyBacktest, PolicyBacktest],
) -> None:
    spent, waiting = two_runs
    PolicyBacktest.objects.filter(pk=spent.pk).update(
        state=BacktestState.RUNNING, attempt=runs.MOST_ATTEMPTS, seen_alive_at=AT - timedelta(hours=1)
    )

    claimed = runs._claim(AT)

    assert claimed is not None
    assert claimed.number == waiting.pk
    spent.refresh_from_db()
    assert (spent.state, spent.error) == (BacktestState.FAILED, "Its worker ended 3 times before it was done.")


def test_a_run_that_can_not_even_be_read_is_ended_and_the_next_one_begun(
    two_runs: tuple[PolicyBacktest, PolicyBacktest],
) -> None:
    broken, waiting = two_runs
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE refunds_policybacktest DROP CONSTRAINT policy_backtest_in_our_time")
        cursor.execute("UPDATE refunds_policybacktest SET until = '9999-12-31 23:00-12' WHERE id = %s", [broken.pk])

    claimed = runs._claim(AT)

    assert claimed is not None
    assert claimed.number == waiting.pk
    ended = PolicyBacktest.objects.values_list("state", "finished_at", "error").get(pk=broken.pk)
    assert ended == (BacktestState.FAILED, AT, "An error of ours keeps it from being begun: ValueError")
    assert runs._claim(AT) is None


def test_an_announcement_that_can_not_be_written_keeps_no_other_waiting(grace: User) -> None:
    make_customer("ada")
    broken = PolicyVersion.objects.create(
        slug="broken", number=1, title="Broken", text="nonsense", hash="0", effective_from=AT, published_at=AT
    )
    sound = policies.publish(grace, make_staff("hiro"))
    with transaction.atomic():
        for version in (broken, sound):
            announcing.ask(version, staff=grace, at=AT)

    assert announcing.carry_on(at=AT) == 1

    assert Email.objects.count() == 1
    assert PolicyAnnouncement.objects.get(version=sound).finished_at == AT
    assert PolicyAnnouncement.objects.get(version=broken).finished_at is None
    assert announcing.carry_on(at=AT) == 0
