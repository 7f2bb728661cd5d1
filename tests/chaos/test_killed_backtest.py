"""A worker is killed in the middle of a backtest: the run is left alone for a while, and then begun anew."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from orders import canceling
from refunds.backtesting import runs
from refunds.backtesting.results import Result
from refunds.models import BacktestState
from tests.chaos import processes
from tests.chaos.processes import ended, holding, kill_waiting
from tests.factories import AT, make_customer, make_service, make_staff, place_order, policies
from tests.refunds.backtesting.periods import BEGIN, END

pytestmark = pytest.mark.django_db(transaction=True)


def test_killed_while_it_reads_its_run_is_begun_anew_and_does_not_stay_running(tmp_path: Path) -> None:
    ada, grace = make_customer("ada", funds="10"), make_staff("grace")
    canceling.cancel(customer=ada, order_id=place_order(ada, make_service(rate="10")).pk, at=AT)
    draft = policies.draft(grace, policies.shipped("panel-credit-only"))
    run = runs.ask(draft_id=draft.pk, since=BEGIN, until=END, staff=grace, at=AT)

    with holding("LOCK TABLE orders_order IN ACCESS EXCLUSIVE MODE"):
        worker = processes.start([sys.executable, "-m", "tests.chaos.backtester"], tmp_path)
        with ended(worker):
            kill_waiting(worker)

    now = timezone.now()
    assert not runs.carry_out_next(at=now)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (BacktestState.RUNNING, 1)

    assert runs.carry_out_next(at=now + timedelta(minutes=6))

    run.refresh_from_db()
    assert (run.state, run.attempt) == (BacktestState.DONE, 2)
    assert Result.from_dict(run.result).total.changed == 1
