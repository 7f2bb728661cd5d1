"""What a policy would have paid on past orders: runs and their results."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from refunds import moments
from refunds.models.draft import PolicyDraft


class BacktestState(models.TextChoices):
    """A run that a dead worker left behind is begun anew: it only reads."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


BACKTEST_MOVES = {
    BacktestState.WAITING: frozenset({BacktestState.RUNNING, BacktestState.CANCELED}),
    BacktestState.RUNNING: frozenset(
        {BacktestState.RUNNING, BacktestState.DONE, BacktestState.FAILED, BacktestState.CANCELED}
    ),
    BacktestState.DONE: frozenset(),
    BacktestState.FAILED: frozenset(),
    BacktestState.CANCELED: frozenset(),
}


class PolicyBacktest(models.Model):
    """One run of one draft over the orders that were placed from `since` to before `until`.

    `progress` is in per cent; `result` is what refunds.backtesting.Result.as_dict writes.
    """

    id = models.BigAutoField(primary_key=True)
    draft = models.ForeignKey(PolicyDraft, on_delete=models.PROTECT, related_name="backtests")
    since = models.DateTimeField("orders from")
    until = models.DateTimeField("orders before")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField("asked")
    state = models.CharField(max_length=20, choices=BacktestState, default=BacktestState.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(default=0)
    seen_alive_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField("finished", null=True, blank=True)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="policy_backtest_state_known", condition=Q(state__in=BacktestState.values)),
            models.CheckConstraint(name="policy_backtest_of_a_period", condition=Q(since__lt=F("until"))),
            models.CheckConstraint(
                name="policy_backtest_in_our_time",
                condition=Q(since__gte=moments.EARLIEST, until__lt=moments.LATEST),
            ),
            models.CheckConstraint(name="policy_backtest_progress_sane", condition=Q(progress__lte=100)),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="policy_backtest_due",
                condition=Q(state__in=[BacktestState.WAITING, BacktestState.RUNNING]),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="policy_backtest_ends_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state NOT IN ('waiting', 'running')"),
            )
        ]

    def __str__(self) -> str:
        return f"Backtest {self.pk}"
