"""Backtests: how far a run is, and what it came to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.models import Service
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, amount, detail_action, link, moment, shown
from panel.accounts.models import Standing
from refunds import drafting
from refunds.backtesting import runs
from refunds.backtesting.results import OrderChange, Result, Sums, why_waiting
from refunds.models import BacktestState, PolicyBacktest
from refunds.policy.document import Policy

_MOST_ROWS: Final = 50
_COLORS = {
    BacktestState.WAITING: "info",
    BacktestState.RUNNING: "info",
    BacktestState.DONE: "success",
    BacktestState.FAILED: "danger",
    BacktestState.CANCELED: "",
}
_SUMS: Final = ("Orders", "Otherwise", "Was refunded", "Would be refunded", "Difference", "Left to a person, at most")
_GREEN, _RED = "text-green-700 dark:text-green-400", "text-red-700 dark:text-red-400"


@admin.register(PolicyBacktest)
class PolicyBacktestAdmin(ReadOnlyAdmin):
    """Runs that staff asked for on the pages of drafts. They only read."""

    list_display = ("number", "of_draft", "period", "state_label", "progress_label", "asked_by", "asked_at")
    list_display_links = ("number",)
    list_select_related = ("draft", "asked_by")
    ordering = ("-id",)
    search_fields = ("draft__slug",)
    fieldsets = (
        (
            "Run",
            {
                "fields": (
                    ("of_draft", "period"),
                    ("condition", "progress_label"),
                    ("asked_by", "asked_at", "finished_at"),
                    "error",
                )
            },
        ),
    )
    actions_detail = ("call_off",)

    def has_test_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may try drafts on past orders."""
        return bool(request.user.has_perm(runs.MAY_TEST))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only what is not over can be called off."""
        is_open = PolicyBacktest.objects.filter(
            pk=object_id, state__in=[BacktestState.WAITING, BacktestState.RUNNING]
        ).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *,
        obj: Any = None,  # noqa: ANN401 - as upstream
        **options: Any,  # noqa: ANN401
    ) -> TemplateResponse:
        answer = super().render_change_form(request, context, obj=obj, **options)
        if obj is not None and obj.state in {BacktestState.WAITING, BacktestState.RUNNING}:
            answer["Refresh"] = "3"
        return answer

    def panels_above(self, request: HttpRequest, obj: PolicyBacktest) -> Sequence[Panel]:
        return summary(Result.from_dict(obj.result)) if obj.state == BacktestState.DONE else ()

    def panels(self, request: HttpRequest, obj: PolicyBacktest) -> Sequence[Panel]:
        return (
            tables(Result.from_dict(obj.result), drafting.policy_of(obj.draft))
            if obj.state == BacktestState.DONE
            else ()
        )

    @shown(description="Run", ordering="id")
    def number(self, run: PolicyBacktest) -> str:
        return str(run.pk)

    @shown(description="Draft")
    def of_draft(self, run: PolicyBacktest) -> object:
        return link("refunds_policydraft", run.draft_id, run.draft)

    @shown(description="Orders placed")
    def period(self, run: PolicyBacktest) -> str:
        return f"{run.since:%Y-%m-%d} to {run.until:%Y-%m-%d %H:%M}"

    @shown(description="State", ordering="state", label=_COLORS)
    def state_label(self, run: PolicyBacktest) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @shown(description="State")
    def condition(self, run: PolicyBacktest) -> str:
        return str(run.get_state_display())

    @shown(description="Progress")
    def progress_label(self, run: PolicyBacktest) -> str:
        return f"{run.progress} %"

    @detail_action(description="Call off…", permissions=["test"], icon="cancel")
    def call_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        run: PolicyBacktest = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            runs.cancel(backtest_id=run.pk, staff=staff_of(request), at=timezone.now())
            return f"{run} is called off."

        back = reverse("admin:refunds_policybacktest_change", args=[run.pk])
        return ask(self, request, Question(title=f"Call off backtest {run.pk}", act=act, back=back, about=run))


def summary(result: Result) -> list[Panel]:
    """Return the totals, and a chart of them by month."""
    total = result.total
    note = (
        f"{total.orders:,} ended orders as they stood at {moment(result.read_at)} UTC. What people decided stays as far"
        " as the draft leaves the case to people too; what it would leave to them where nobody looked stands apart."
    )
    return [
        Panel("In all", _SUMS, [_cells(total)], note),
        Panel("By month of placing", (), (), chart=_chart(result)),
    ]


def tables(result: Result, policy: Policy) -> list[Panel]:
    """Return the sums by clause, service, month and standing, and the orders that change most."""
    names = dict(Service.objects.filter(pk__in=list(result.by_service)).values_list("pk", "name"))
    standing = {value: str(label) for value, label in Standing.choices}
    return [
        _orders(result, names, policy),
        _table("By clause", "Was, would be", _by_change(result.by_clause, lambda key: f"{key[0]} → {key[1]}")),
        _table("By service", "Service", _by_change(result.by_service, lambda key: names.get(key, str(key)))),
        _table("By month", "Placed in", sorted(result.by_month.items())),
        _table("By standing", "Customer", [(standing.get(key, key), sums) for key, sums in result.by_standing.items()]),
    ]


def _orders(result: Result, names: Mapping[int, str], policy: Policy) -> Panel:
    rows = [
        (
            link("orders_order", one.order, f"Order {one.order}"),
            names.get(one.service, str(one.service)),
            f"{one.clause_before} → {one.clause_after}",
            amount(one.paid),
            amount(one.candidate),
            _signed(one.change),
            _note(policy, one),
        )
        for one in result.largest
    ]
    if not rows:
        return Panel("Orders that change most", (), (), "No order would have come out otherwise.")
    headers = ("Order", "Service", "Was, would be", "Was refunded", "Would be refunded", "Difference", "Note")
    return Panel("Orders that change most", headers, rows)


def _note(policy: Policy, one: OrderChange) -> str:
    why = why_waiting(policy, one)
    return f"Up to {amount(one.waiting)} {why}" if why else ""


def _by_change(table: Mapping[Any, Sums], name: Any) -> list[tuple[str, Sums]]:  # noqa: ANN401 - keys are of any kind
    ordered = sorted(table.items(), key=lambda item: (-abs(item[1].change), -item[1].orders))
    return [(name(key), sums) for key, sums in ordered]


def _table(title: str, heading: str, rows: Sequence[tuple[str, Sums]]) -> Panel:
    left_out = len(rows) - _MOST_ROWS
    note = f"{left_out:,} more have smaller differences." if left_out > 0 else ""
    return Panel(title, (heading, *_SUMS), [(name, *_cells(sums)) for name, sums in rows[:_MOST_ROWS]], note)


def _cells(sums: Sums) -> list[object]:
    return [
        f"{sums.orders:,}",
        f"{sums.changed:,}",
        amount(sums.paid),
        amount(sums.candidate),
        _signed(sums.change),
        amount(sums.waiting),
    ]


def _signed(change: Decimal) -> SafeString:
    if not change:
        return format_html("{}", amount(change))
    sign, color = ("+", _GREEN) if change > 0 else ("", _RED)
    return format_html('<span class="{}">{}{}</span>', color, sign, amount(change))


def _chart(result: Result) -> str:
    """Return the data of a bar chart, as the theme's component takes it."""
    months = sorted(result.by_month)

    def series(values: Iterable[Decimal]) -> list[float]:
        return [float(round(value, 2)) for value in values]

    return json.dumps(
        {
            "labels": months,
            "datasets": [
                {
                    "label": "Was refunded",
                    "data": series(result.by_month[month].paid for month in months),
                    "backgroundColor": "#94a3b8",
                },
                {
                    "label": "Would be refunded",
                    "data": series(result.by_month[month].candidate for month in months),
                    "backgroundColor": "#0f766e",
                },
                {
                    "label": "Left to a person, at most",
                    "data": series(result.by_month[month].waiting for month in months),
                    "backgroundColor": "#d97706",
                },
            ],
        }
    )
