"""The page of a backtest: how far it is, and what it came to."""

import html
import json
import re
from decimal import Decimal

import pytest
from django.test import Client

from panel.accounts.models import User
from refunds.backtesting import running, runs
from refunds.backtesting.results import OrderChange, Result, Sums
from refunds.models import BacktestState, PolicyBacktest
from tests.admin.pages import action, detail, signed_in, submit, text_of
from tests.factories import AT, make_service, make_staff, policies

pytestmark = pytest.mark.django_db
RUN = "refunds_policybacktest"


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def run(grace: User) -> PolicyBacktest:
    draft = policies.draft(grace)
    return runs.ask(draft_id=draft.pk, since=running.LONG_AGO, until=AT, staff=grace, at=AT)


@pytest.fixture
def client(grace: User) -> Client:
    return signed_in(grace)


def done(run: PolicyBacktest, *, changed: bool) -> None:
    """End a run with one order of 10.00, of which 4.00 was refunded and, if changed, 6.50 would be."""
    result = Result("0" * 64, run.since, run.until, AT)
    candidate = Decimal("6.5" if changed else 4)
    service = make_service()
    sums = Sums(1, int(changed), Decimal(4), candidate, Decimal(1), candidate - 4)
    result.add(clauses=("partly", "better"), service=service.pk, month="2026-10", standing="clear", sums=sums)
    if changed:
        result.offer([OrderChange(4711, service.pk, "partly", "better", Decimal(4), candidate, Decimal(1))])
    PolicyBacktest.objects.filter(pk=run.pk).update(state=BacktestState.DONE, progress=100, result=result.as_dict())


def test_a_run_that_waits_shows_its_progress_and_comes_again_by_itself(client: Client, run: PolicyBacktest) -> None:
    answer = client.get(detail(RUN, run.pk))

    assert "Waiting" in text_of(answer)
    assert answer["Refresh"] == "3"


def test_the_result_is_told_in_sums_orders_and_a_chart(client: Client, run: PolicyBacktest) -> None:
    done(run, changed=True)

    answer = client.get(detail(RUN, run.pk))

    said = text_of(answer)
    assert "Refresh" not in answer
    assert "1 ended orders as they stood at" in said
    assert '<span class="text-green-700 dark:text-green-400">+2.50 USD</span>' in said
    assert "/admin/orders/order/4711/change/" in said
    assert "partly → better" in said
    assert "Up to 1.00 USD waits: people decide" in said
    (chart,) = re.findall(r'data-value="([^"]*)"', said)
    data = json.loads(html.unescape(chart))
    assert data["labels"] == ["2026-10"]
    assert [one["data"] for one in data["datasets"]] == [[4.0], [6.5], [1.0]]


def test_a_result_without_changes_says_so(client: Client, run: PolicyBacktest) -> None:
    done(run, changed=False)

    assert "No order would have come out otherwise." in text_of(client.get(detail(RUN, run.pk)))


def test_a_failed_run_says_why(client: Client, run: PolicyBacktest) -> None:
    PolicyBacktest.objects.filter(pk=run.pk).update(state=BacktestState.FAILED, error="The database went away.")

    assert "The database went away." in text_of(client.get(detail(RUN, run.pk)))


def test_a_run_is_called_off_once(client: Client, run: PolicyBacktest) -> None:
    page = detail(RUN, run.pk)
    assert "call_off" in text_of(client.get(page))

    submit(client, action(RUN, "call_off", run.pk))

    run.refresh_from_db()
    assert run.state == BacktestState.CANCELED
    assert "call_off" not in text_of(client.get(page))
