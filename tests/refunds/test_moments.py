"""Dates that no page could show again are refused before they are stored."""

from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path

import pytest
from django import forms
from django.core.management import CommandError, call_command

from refunds import publishing
from refunds.admin.draft_forms import MomentField
from refunds.backtesting import running, runs
from refunds.models import PolicyBacktest, PolicyVersion
from refunds.policy import loader
from tests.factories import AT, make_staff, policies

pytestmark = pytest.mark.django_db

LAST = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))
FIRST = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=12)))
FIVE_YEARS = timedelta(days=1826)


@pytest.mark.parametrize("start", [LAST, AT + FIVE_YEARS + timedelta(seconds=1)])
def test_a_policy_starts_within_five_years(start: datetime) -> None:
    with pytest.raises(publishing.NotPublishable) as refused:
        publishing.publish(text=policies.LONGER_REVIEW, source="policy.toml", effective_from=start, at=AT)

    assert (refused.value.message, refused.value.field) == (
        "A policy starts within five years from now.",
        "effective_from",
    )
    assert PolicyVersion.objects.count() == 1


def test_a_policy_may_start_in_five_years() -> None:
    version = publishing.publish(
        text=policies.LONGER_REVIEW, source="policy.toml", effective_from=AT + FIVE_YEARS, at=AT
    )

    version.refresh_from_db()
    assert version.effective_from == AT + FIVE_YEARS


def test_the_command_says_so_too(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(loader.load_shipped("panel-credit-only").text, encoding="utf-8")

    with pytest.raises(CommandError, match="within five years"):
        call_command("publish_policy", str(path), "--effective-from", "9999-12-31T23:00:00-12:00", stdout=StringIO())

    assert PolicyVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [(FIRST, AT, "since"), (AT, LAST, "until"), (datetime(1999, 12, 31, tzinfo=UTC), AT, "since")],
)
def test_a_backtest_is_of_a_period_in_which_orders_can_be(since: datetime, until: datetime, field: str) -> None:
    grace = make_staff()
    draft = policies.draft(grace)

    with pytest.raises(running.NoPeriod) as refused:
        runs.ask(draft_id=draft.pk, since=since, until=until, staff=grace, at=AT)

    assert (refused.value.message, refused.value.field) == ("Name times between the years 2000 and 2199.", field)
    assert not PolicyBacktest.objects.exists()


@pytest.mark.parametrize(
    "typed", ["9999-12-31 23:00-12:00", "9999-12-31 23:59", "0001-01-01", "0001-01-01 00:00+14:00", "2200-01-02"]
)
def test_a_form_takes_no_time_that_a_page_could_not_show(typed: str) -> None:
    with pytest.raises(forms.ValidationError, match="between the years 2000 and 2199"):
        MomentField(required=False).clean(typed)
