"""What the database refuses about drafts, backtests and announcements, by the names of constraints and triggers."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import IntegrityError, InternalError, connection, models, transaction

from panel.accounts.models import User
from refunds.models import BacktestState, PolicyAnnouncement, PolicyBacktest, PolicyDraft, PolicyVersion
from tests.factories import AT, make_staff

pytestmark = pytest.mark.django_db

LABORATORY: Final = (PolicyDraft, PolicyBacktest, PolicyAnnouncement)


@pytest.fixture
def grace() -> User:
    return make_staff()


@pytest.fixture
def draft(grace: User) -> PolicyDraft:
    return PolicyDraft.objects.create(text="nothing yet", hash="0" * 64, author=grace, created_at=AT)


@pytest.fixture
def backtest(draft: PolicyDraft, grace: User) -> PolicyBacktest:
    return PolicyBacktest.objects.create(
        draft=draft, since=AT - timedelta(days=30), until=AT, asked_by=grace, asked_at=AT
    )


def refused(name: str, statement: str, *values: Any) -> None:
    """Run a statement by hand and see that this constraint or trigger refuses it."""
    with pytest.raises((IntegrityError, InternalError)) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    assert error.value.__cause__ is not None
    assert name in f"{error.value} {error.value.__cause__.diag.context}"  # type: ignore[attr-defined] # of the driver


def change(row: models.Model, what: str) -> str:
    return f"UPDATE {row._meta.db_table} SET {what} WHERE id = {row.pk}"  # noqa: S608 - the test's own words


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("policy_draft_state_known", "state = 'lost'"),
        ("policy_draft_checked_by_somebody", "state = 'checked'"),
        ("policy_draft_checked_by_somebody", "state = 'checked', checked_at = now()"),
        ("policy_draft_text_is_final", "text = 'something else'"),
        ("policy_draft_text_is_final", "hash = '1'"),
        ("policy_draft_text_is_final", "author_id = author_id + 1"),
        ("policy_draft_text_is_final", "created_at = now()"),
        ("policy_draft_text_is_final", "note = 'another note'"),
    ],
)
def test_a_draft_is_what_it_was_written_as(name: str, what: str, draft: PolicyDraft) -> None:
    refused(name, change(draft, what))


def test_a_draft_is_published_exactly_when_it_is_a_version(draft: PolicyDraft, grace: User) -> None:
    version = PolicyVersion.objects.latest("id")
    checked = f"checked_at = now(), checked_by_id = {grace.pk}"

    refused("policy_draft_published_as_a_version", change(draft, f"state = 'published', {checked}"))
    refused("policy_draft_published_as_a_version", change(draft, f"version_id = {version.pk}"))


def test_a_draft_is_kept(draft: PolicyDraft) -> None:
    refused("policy_draft_is_kept", f"DELETE FROM refunds_policydraft WHERE id = {draft.pk}")  # noqa: S608 - as above


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("policy_backtest_state_known", "state = 'lost'"),
        ("policy_backtest_of_a_period", "until = since"),
        ("policy_backtest_in_our_time", "since = '0001-01-01 00:00+05'"),
        ("policy_backtest_in_our_time", "until = '9999-12-31 23:00-12'"),
        ("policy_backtest_progress_sane", "progress = 101"),
    ],
)
def test_a_backtest_makes_sense(name: str, what: str, backtest: PolicyBacktest) -> None:
    refused(name, change(backtest, what))


@pytest.mark.parametrize("state", [BacktestState.DONE, BacktestState.FAILED, BacktestState.CANCELED])
def test_a_backtest_ends_once(state: BacktestState, backtest: PolicyBacktest) -> None:
    PolicyBacktest.objects.filter(pk=backtest.pk).update(state=state)

    refused("policy_backtest_ends_once", change(backtest, "state = 'running'"))


def test_every_named_constraint_and_trigger_is_tested() -> None:
    tables = [model._meta.db_table for model in LABORATORY]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
            " WHERE r.relname = ANY(%s) AND contype = 'c' AND conname !~ '_check$'",
            [tables],
        )
        named = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT tgname FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid"
            " WHERE r.relname = ANY(%s) AND NOT tgisinternal",
            [tables],
        )
        triggers = {name.removeprefix("pgtrigger_").rpartition("_")[0] for (name,) in cursor.fetchall()}

    assert named == {
        "policy_backtest_in_our_time",
        "policy_backtest_of_a_period",
        "policy_backtest_progress_sane",
        "policy_backtest_state_known",
        "policy_draft_checked_by_somebody",
        "policy_draft_published_as_a_version",
        "policy_draft_state_known",
    }
    assert triggers == {"policy_backtest_ends_once", "policy_draft_is_kept", "policy_draft_text_is_final"}
