"""Backtests that staff ask for: who may, what a worker makes of them, and that none stays `running` for ever."""

from datetime import timedelta

import pytest

from orders import canceling
from panel import staff_groups
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, Refused
from refunds import drafting, tasks
from refunds.backtesting import running, runs
from refunds.backtesting.results import Result
from refunds.models import BacktestState, PolicyBacktest, PolicyDraft
from tests.factories import AT, make_customer, make_service, make_staff, place_order, policies
from tests.refunds.backtesting.periods import BEGIN, END, tried

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def grace() -> User:
    return make_staff("grace")


@pytest.fixture
def draft(grace: User) -> PolicyDraft:
    """A draft of the policy of panel credit only, which refunds no cancel; three were made under the guarantee."""
    ada, service = make_customer("ada", funds="100"), make_service(rate="10")
    for _ in range(3):
        canceling.cancel(customer=ada, order_id=place_order(ada, service).pk, at=AT)
    return policies.draft(grace, policies.shipped("panel-credit-only"))


def ask(draft: PolicyDraft, staff: User) -> PolicyBacktest:
    return runs.ask(draft_id=draft.pk, since=BEGIN, until=END, staff=staff, at=AT)


def read(run: PolicyBacktest) -> PolicyBacktest:
    run.refresh_from_db()
    return run


def left_running(run: PolicyBacktest, *, attempt: int = 1) -> None:
    """Leave a run as a worker that died at AT does."""
    PolicyBacktest.objects.filter(pk=run.pk).update(
        state=BacktestState.RUNNING, attempt=attempt, progress=40, seen_alive_at=AT
    )


def test_a_run_is_carried_out_and_its_result_kept(draft: PolicyDraft, grace: User) -> None:
    run = ask(draft, grace)
    assert (run.state, run.asked_by, run.progress) == (BacktestState.WAITING, grace, 0)

    tasks.carry_out_backtests()

    assert (read(run).state, run.progress, run.attempt, run.error) == (BacktestState.DONE, 100, 1, "")
    kept, anew = Result.from_dict(run.result), tried(drafting.policy_of(draft))
    assert kept.total.changed == 3
    assert (kept.total, kept.by_clause, kept.largest) == (anew.total, anew.by_clause, anew.largest)
    assert run.finished_at is not None


def test_the_oldest_is_carried_out_first_and_each_once(draft: PolicyDraft, grace: User) -> None:
    first, second = ask(draft, grace), ask(draft, grace)

    assert runs.carry_out_next(at=AT)
    assert (read(first).state, read(second).state) == (BacktestState.DONE, BacktestState.WAITING)

    assert runs.carry_out_next(at=AT)
    assert read(second).state == BacktestState.DONE
    assert not runs.carry_out_next(at=AT)


def test_progress_is_kept_while_it_runs(draft: PolicyDraft, grace: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)
    run = ask(draft, grace)
    seen: list[tuple[str, int]] = []
    tell = runs._tell

    def told(claimed: runs._Claimed, progress: running.Progress) -> None:
        tell(claimed, progress)
        seen.append((read(run).state, run.progress))

    monkeypatch.setattr(runs, "_tell", told)

    runs.carry_out_next(at=AT)

    assert seen == [("running", 33), ("running", 66), ("running", 99)]


# --- refusals


def test_refuses_who_may_not_try_policies(draft: PolicyDraft, grace: User) -> None:
    agent, former = make_staff("ida", staff_groups.AGENT), make_staff("kai")
    User.objects.filter(pk=former.pk).update(is_active=False)

    for nobody in (agent, make_customer("bea"), User.objects.get(pk=former.pk)):
        with pytest.raises(Forbidden):
            ask(draft, nobody)
    assert not PolicyBacktest.objects.exists()

    run = ask(draft, grace)
    with pytest.raises(Forbidden):
        runs.cancel(backtest_id=run.pk, staff=agent, at=AT)
    assert read(run).state == BacktestState.WAITING


def test_refuses_a_draft_or_run_that_there_is_not(draft: PolicyDraft, grace: User) -> None:
    with pytest.raises(drafting.DraftNotFound):
        runs.ask(draft_id=draft.pk + 1, since=BEGIN, until=END, staff=grace, at=AT)
    with pytest.raises(runs.BacktestNotFound):
        runs.cancel(backtest_id=1, staff=grace, at=AT)

    assert not PolicyBacktest.objects.exists()


def test_refuses_a_period_that_is_none_and_a_draft_that_can_not_be_read(draft: PolicyDraft, grace: User) -> None:
    with pytest.raises(Refused) as refused:
        runs.ask(draft_id=draft.pk, since=END, until=END, staff=grace, at=AT)
    assert refused.value.field == "until"

    with pytest.raises(Refused):
        ask(policies.draft(grace, 'slug = "unfinished'), grace)
    assert not PolicyBacktest.objects.exists()


# --- called off


def test_a_run_that_waits_is_called_off_and_never_carried_out(draft: PolicyDraft, grace: User) -> None:
    run = ask(draft, grace)

    runs.cancel(backtest_id=run.pk, staff=grace, at=AT)

    assert (read(run).state, run.finished_at) == (BacktestState.CANCELED, AT)
    assert not runs.carry_out_next(at=AT)
    with pytest.raises(runs.BacktestEnded):
        runs.cancel(backtest_id=run.pk, staff=grace, at=AT + MINUTE)
    assert (read(run).state, run.finished_at) == (BacktestState.CANCELED, AT)


def test_a_run_that_is_called_off_on_its_way_stops(
    draft: PolicyDraft, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)
    run = ask(draft, grace)
    told: list[running.Progress] = []
    tell = runs._tell

    def called_off(claimed: runs._Claimed, progress: running.Progress) -> None:
        told.append(progress)
        runs.cancel(backtest_id=run.pk, staff=grace, at=AT)
        tell(claimed, progress)

    monkeypatch.setattr(runs, "_tell", called_off)

    assert runs.carry_out_next(at=AT)

    assert len(told) == 1
    assert (read(run).state, run.result, run.error) == (BacktestState.CANCELED, {}, "")


# --- what goes wrong


def test_a_run_that_an_error_of_ours_stops_has_failed_and_another_can_be_asked_for(
    draft: PolicyDraft, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ask(draft, grace)
    with monkeypatch.context() as broken:
        broken.setitem(running._SETTINGS, "statement_timeout", "no time")
        assert runs.carry_out_next(at=AT)

    assert (read(run).state, run.result) == (BacktestState.FAILED, {})
    assert run.error == "An error of ours stopped it: DataError"
    assert run.finished_at is not None

    again = ask(draft, grace)
    runs.carry_out_next(at=AT)
    assert read(again).state == BacktestState.DONE
    assert read(run).state == BacktestState.FAILED


def test_a_run_whose_worker_is_alive_is_left_to_it(draft: PolicyDraft, grace: User) -> None:
    run = ask(draft, grace)
    left_running(run)

    assert not runs.carry_out_next(at=AT + 5 * MINUTE)

    assert (read(run).state, run.attempt, run.progress) == (BacktestState.RUNNING, 1, 40)


def test_a_run_whose_worker_died_is_begun_anew(draft: PolicyDraft, grace: User) -> None:
    run = ask(draft, grace)
    left_running(run)

    assert runs.carry_out_next(at=AT + 6 * MINUTE)

    assert (read(run).state, run.attempt, run.progress) == (BacktestState.DONE, 2, 100)


def test_a_run_whose_workers_died_three_times_has_failed_and_holds_up_no_other(draft: PolicyDraft, grace: User) -> None:
    run, next_one = ask(draft, grace), ask(draft, grace)
    left_running(run, attempt=3)

    assert runs.carry_out_next(at=AT + 6 * MINUTE)

    assert (read(run).state, run.error) == (BacktestState.FAILED, "Its worker ended 3 times before it was done.")
    assert run.finished_at == AT + 6 * MINUTE
    assert read(next_one).state == BacktestState.DONE


def test_a_worker_that_was_taken_for_dead_changes_nothing_any_more(
    draft: PolicyDraft, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still for six minutes; meanwhile another one carries its run out."""
    run = ask(draft, grace)
    tell = runs._tell

    def stand_still(claimed: runs._Claimed, progress: running.Progress) -> None:
        monkeypatch.setattr(runs, "_tell", tell)
        PolicyBacktest.objects.filter(pk=run.pk).update(seen_alive_at=AT)
        assert runs.carry_out_next(at=AT + 6 * MINUTE)
        tell(claimed, progress)

    monkeypatch.setattr(runs, "_tell", stand_still)

    assert runs.carry_out_next(at=AT)

    assert (read(run).state, run.attempt) == (BacktestState.DONE, 2)
