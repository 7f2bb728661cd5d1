"""Backtests that staff ask for: rows that a worker carries out one at a time, with progress; they can be called off.

A pass only reads, so a worker that dies does no harm: after a while without a sign of life its run is begun anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound, PanelError
from refunds import drafting
from refunds.backtesting import running
from refunds.backtesting.running import Progress
from refunds.models import BacktestState, PolicyBacktest, PolicyDraft
from refunds.models.backtest import BACKTEST_MOVES

log = structlog.get_logger()

MAY_TEST: Final = "refunds.add_policybacktest"
LEFT_ALONE_AFTER: Final = timedelta(minutes=5)
MOST_ATTEMPTS: Final = 3


class BacktestNotFound(NotFound):
    """There is no such backtest."""

    code = "backtest_not_found"


class BacktestEnded(Conflict):
    """The backtest is over."""

    code = "backtest_ended"


class _Overtaken(Exception):
    """The run was called off, or another worker took it over."""


def ask(*, draft_id: int, since: datetime, until: datetime, staff: User, at: datetime) -> PolicyBacktest:
    """Note that a draft is to be tried on the orders of a period.

    Raises Forbidden, running.NoPeriod, drafting.DraftNotFound, loader.PolicyInvalid.
    """
    _require(staff)
    running.require_period(since, until)
    with transaction.atomic(durable=True):
        draft = PolicyDraft.objects.filter(pk=draft_id).first()
        if draft is None:
            raise drafting.DraftNotFound("There is no such draft.")
        drafting.policy_of(draft)
        return PolicyBacktest.objects.create(draft=draft, since=since, until=until, asked_by=staff, asked_at=at)


def cancel(*, backtest_id: int, staff: User, at: datetime) -> PolicyBacktest:
    """Call off a backtest that is not over; its worker notices at the next chunk.

    Raises Forbidden, BacktestNotFound, BacktestEnded.
    """
    _require(staff)
    with transaction.atomic(durable=True):
        found = PolicyBacktest.objects.select_for_update(no_key=True).filter(pk=backtest_id).first()
        if found is None:
            raise BacktestNotFound("There is no such backtest.")
        _move(found, BacktestState.CANCELED)
        found.finished_at = at
        found.save(update_fields=["state", "finished_at"])
        return found


def carry_out_next(*, at: datetime) -> bool:
    """Carry out the oldest backtest that waits, or that a dead worker left; return whether there was one."""
    claimed = _claim(at)
    if claimed is None:
        return False
    log.info("backtest_started", backtest=claimed.number, attempt=claimed.attempt)
    try:
        policy = drafting.policy_of(claimed.draft)
        result = running.run(policy, since=claimed.since, until=claimed.until, told=lambda p: _tell(claimed, p))
    except _Overtaken:
        return True
    except PanelError as error:
        _end(claimed, BacktestState.FAILED, error=error.message)
    except Exception as error:  # the row has to say so, and the log says why
        log.exception("backtest_failed", backtest=claimed.number)
        _end(claimed, BacktestState.FAILED, error=f"An error of ours stopped it: {type(error).__name__}")
    else:
        _end(claimed, BacktestState.DONE, result=result.as_dict())
    return True


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A run that this worker carries out; `attempt` tells it from what another worker makes of it later."""

    number: int
    attempt: int
    draft: PolicyDraft
    since: datetime
    until: datetime


def _claim(at: datetime) -> _Claimed | None:
    """Take the oldest run that is due. Those that can't be carried out are ended on the way, so that no other waits."""
    left = Q(state=BacktestState.RUNNING, seen_alive_at__lt=at - LEFT_ALONE_AFTER)
    due = PolicyBacktest.objects.filter(Q(state=BacktestState.WAITING) | left).order_by("pk")
    oldest = due.select_for_update(of=("self",), skip_locked=True, no_key=True).values_list("pk", flat=True)
    while True:
        with transaction.atomic(durable=True):
            number = oldest.first()
            if number is None:
                return None
            claimed = _begin(number, at)
        if claimed is not None:
            return claimed


def _begin(number: int, at: datetime) -> _Claimed | None:
    """Note that a locked run is begun; None when it was ended instead."""
    try:
        with transaction.atomic():
            found = PolicyBacktest.objects.select_related("draft").get(pk=number)
    except Exception as error:  # it has to end, or every worker would stumble over it first
        log.exception("backtest_unreadable", backtest=number)
        _give_up(number, f"An error of ours keeps it from being begun: {type(error).__name__}", at)
        return None
    if found.attempt >= MOST_ATTEMPTS:
        _give_up(number, f"Its worker ended {MOST_ATTEMPTS} times before it was done.", at)
        return None
    _move(found, BacktestState.RUNNING)
    found.attempt += 1
    found.progress, found.seen_alive_at = 0, at
    found.save(update_fields=["state", "attempt", "progress", "seen_alive_at"])
    return _Claimed(found.pk, found.attempt, found.draft, found.since, found.until)


def _give_up(number: int, error: str, at: datetime) -> None:
    PolicyBacktest.objects.filter(pk=number).update(state=BacktestState.FAILED, finished_at=at, error=error)


def _tell(claimed: _Claimed, progress: Progress) -> None:
    """Note how far the pass is. Raises _Overtaken when it is nobody's wish any more."""
    noted = _mine(claimed).update(progress=min(int(progress.part * 100), 99), seen_alive_at=timezone.now())
    if not noted:
        raise _Overtaken


def _end(claimed: _Claimed, state: BacktestState, *, result: dict[str, object] | None = None, error: str = "") -> None:
    _mine(claimed).update(
        state=state,
        progress=100 if state is BacktestState.DONE else F("progress"),
        result=result or {},
        error=error[:300],
        finished_at=timezone.now(),
    )


def _mine(claimed: _Claimed) -> QuerySet[PolicyBacktest]:
    return PolicyBacktest.objects.filter(pk=claimed.number, state=BacktestState.RUNNING, attempt=claimed.attempt)


def _move(found: PolicyBacktest, to: BacktestState) -> None:
    if to not in BACKTEST_MOVES[BacktestState(found.state)]:
        raise BacktestEnded(f"This backtest is {found.get_state_display().lower()}.")
    found.state = to


def _require(staff: User) -> None:
    if not (staff.is_staff and staff.is_active and staff.has_perm(MAY_TEST)):
        raise Forbidden("Your account may not try policies on past orders.")
