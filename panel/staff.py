"""The staff pages' frame: what the sidebar offers to whom, and the status tabs above lists."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Q, Value
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils import timezone

_COUNTED_UP_TO = 100


@dataclass(frozen=True)
class _Waits:
    """Rows that wait for a person, by an index that holds only such rows. `rows` is asked with the model."""

    rows: Callable[[Any], Q]
    word: str = ""
    variant: str = "warning"


@dataclass(frozen=True)
class _Entry:
    """A list in the sidebar. Its badge counts the first of `waits` that has any rows."""

    title: str
    icon: str
    model: str
    waits: tuple[_Waits, ...] = ()


def _waiting(**rows: object) -> _Waits:
    return _Waits(lambda _model: Q(**rows))


def _late(model: Any) -> Q:  # noqa: ANN401 - a model that says itself what is overdue
    found: Q = model.overdue(timezone.now())
    return found


def _urgent(model: Any) -> Q:  # noqa: ANN401 - a model that says itself what is due soon
    found: Q = model.urgent(timezone.now())
    return found


def _open(model: Any) -> Q:  # noqa: ANN401 - a model that says itself what waits
    found: Q = model.waiting()
    return found


_SIDEBAR: dict[str, list[_Entry]] = {
    "Work": [
        _Entry("Attention queue", "notification_important", "orders.attentionitem", (_waiting(resolved_at=None),)),
        _Entry(
            "Refund requests",
            "request_quote",
            "refunds.refundrequest",
            (_Waits(_late, "overdue", "danger"), _Waits(_open)),
        ),
        _Entry(
            "Tickets",
            "support_agent",
            "support.ticket",
            (_Waits(_late, "overdue", "danger"), _Waits(_open)),
        ),
        _Entry("Orders", "list_alt", "orders.order"),
        _Entry("Refund decisions", "gavel", "refunds.decision"),
        _Entry("Cancel requests", "cancel", "orders.cancelrequest"),
        _Entry("Refills", "autorenew", "orders.refill", (_Waits(_open),)),
        _Entry("Submissions", "outbox", "orders.submission"),
        _Entry("Order events", "timeline", "orders.orderevent"),
        _Entry("Saved replies", "quickreply", "support.savedreply"),
    ],
    "Money": [
        _Entry(
            "Withdrawals",
            "payments",
            "billing.withdrawal",
            (_Waits(_late, "overdue", "danger"), _waiting(state="in_review")),
        ),
        _Entry(
            "Arrangements",
            "alt_route",
            "billing.arrangement",
            (_waiting(consent_at=None, leg__state="arranging"),),
        ),
        _Entry("Disputes", "gavel", "billing.dispute", (_Waits(_urgent, "urgent", "danger"), _Waits(_open))),
        _Entry("Fraud warnings", "gpp_maybe", "billing.fraudwarning", (_waiting(state="open"),)),
        _Entry("Payouts", "send_money", "billing.payout", (_waiting(state="waiting"),)),
        _Entry("Deposits", "savings", "billing.deposit"),
        _Entry("Receipts", "receipt_long", "billing.receipt"),
        _Entry("Transfers", "swap_horiz", "billing.transfer"),
        _Entry("Discrepancies", "difference", "billing.discrepancy", (_waiting(resolved_at=None),)),
        _Entry("Gateway events", "webhook", "billing.gatewayevent", (_waiting(state="failed"),)),
    ],
    "Catalog": [
        _Entry("Services", "sell", "orders.service"),
        _Entry("Categories", "category", "orders.category"),
        _Entry("Providers", "local_shipping", "orders.provider"),
    ],
    "People": [
        _Entry("Customers", "group", "accounts.user", (_waiting(suspension_cause="blocked_method"),)),
        _Entry("Customer groups", "groups", "accounts.customergroup"),
        _Entry("Blocked identities", "person_off", "accounts.blockedidentity"),
        _Entry("API keys", "key", "accounts.apikey"),
        _Entry("E-mails", "mail", "notifications.email", (_waiting(state="failed"),)),
        _Entry("Staff groups", "admin_panel_settings", "auth.group"),
    ],
    "Policies": [
        _Entry("Refund policies", "policy", "refunds.policyversion"),
        _Entry("Policy drafts", "edit_document", "refunds.policydraft", (_waiting(state="checked"),)),
        _Entry("Policy backtests", "history", "refunds.policybacktest"),
    ],
}
_STATUSES = (
    ("Pending", "pending"),
    ("Processing", "processing"),
    ("In progress", "in_progress"),
    ("Partial", "partial"),
    ("Canceled", "canceled"),
    ("Completed", "completed"),
)

_ALL = ("All", "all")


def may_view(request: HttpRequest, model: str) -> bool:
    """Whether this member of staff may open the model's list; `model` is like `orders.order`."""
    app, name = model.split(".")
    return any(request.user.has_perm(f"{app}.{verb}_{name}") for verb in ("view", "change"))


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links that this member of staff may follow, with a badge where something waits."""
    offered = {
        group: [entry for entry in entries if may_view(request, entry.model)] for group, entries in _SIDEBAR.items()
    }
    badges = _badges([entry for entries in offered.values() for entry in entries])
    return [
        {
            "title": group,
            "items": [
                {"title": entry.title, "icon": entry.icon, "link": _list_of(entry.model), **badges.get(entry.model, {})}
                for entry in entries
            ],
        }
        for group, entries in offered.items()
        if entries
    ]


def _badges(entries: list[_Entry]) -> dict[str, dict[str, Any]]:
    """Count what waits, all of it in one statement, and return what the theme draws for each model."""
    waits = [(entry.model, wait) for entry in entries for wait in entry.waits]
    counts = Counter(_count([(apps.get_model(model), wait) for model, wait in waits]))
    badges: dict[str, dict[str, Any]] = {}
    for place, (model, wait) in enumerate(waits):
        if counts[place] and model not in badges:
            number = str(counts[place]) if counts[place] < _COUNTED_UP_TO else f"{_COUNTED_UP_TO - 1}+"
            badges[model] = {"badge": f"{number} {wait.word}".strip(), "badge_variant": wait.variant}
    return badges


def _count(waits: list[tuple[Any, _Waits]]) -> Iterator[int]:
    """Yield the place in `waits` of each row that waits, up to _COUNTED_UP_TO times."""
    found = [
        model._default_manager.filter(wait.rows(model))  # noqa: SLF001 - Django's documented name for it
        .order_by()
        .annotate(place=Value(place))
        .values_list("place", flat=True)[:_COUNTED_UP_TO]
        for place, (model, wait) in enumerate(waits)
    ]
    yield from found[0].union(*found[1:], all=True) if len(found) > 1 else itertools.chain(*found)


def _list_of(model: str) -> Any:  # noqa: ANN401 - a lazy string: addresses are not known when settings are read
    return reverse_lazy(f"admin:{model.replace('.', '_')}_changelist")


def _tabs(model: str, parameter: str, choices: tuple[tuple[str, str], ...], first_title: str = "All") -> dict[str, Any]:
    """Return one tab a value of a parameter, and a first one for the list without it."""
    first = {"title": first_title, "link": _list_of(model), "active": _is_chosen(parameter, None)}
    others = [
        {
            "title": title,
            "link": _FilteredList(model, parameter, value),
            "active": _is_chosen(parameter, value),
        }
        for title, value in choices
    ]
    return {"models": [model], "items": [first, *others]}


class _FilteredList:
    """The address of a filtered list, made anew for each request."""

    def __init__(self, model: str, parameter: str, value: str) -> None:
        self.model, self.query = model, f"?{parameter}={value}"

    def __call__(self, _request: HttpRequest) -> str:
        return f"{_list_of(self.model)}{self.query}"


def _is_chosen(parameter: str, value: str | None) -> Callable[[HttpRequest], bool]:
    return lambda request: request.GET.get(parameter) == value


def theme(panel_name: str) -> dict[str, Any]:
    """Return the settings of the admin theme."""
    return {
        "SITE_TITLE": f"{panel_name} staff",
        "SITE_HEADER": panel_name,
        "SITE_SUBHEADER": "Staff",
        "SITE_SYMBOL": "balance",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("web/icon.svg")}],
        "SITE_URL": "/",
        "SHOW_HISTORY": True,
        "SHOW_BACK_BUTTON": True,
        "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": sidebar},
        "TABS": [
            _tabs("orders.order", "status__exact", _STATUSES),
            _tabs(
                "refunds.refundrequest",
                "show",
                (
                    ("Due soon", "due_soon"),
                    ("Overdue", "overdue"),
                    ("Mine", "mine"),
                    ("Expedited", "expedited"),
                    ("Customer wrote", "unread"),
                    ("To confirm", "to_confirm"),
                    ("Answered", "answered"),
                    _ALL,
                ),
                "Waiting",
            ),
            _tabs(
                "refunds.decision",
                "state__exact",
                (("Waiting for review", "awaiting_review"), ("Approved", "approved"), ("Declined", "declined")),
            ),
            _tabs("orders.refill", "show", (("Running", "running"), ("Ended", "ended"), _ALL), "Waiting for us"),
            _tabs(
                "refunds.policydraft",
                "show",
                (("To be published", "checked"), ("Published", "published"), _ALL),
                "Open",
            ),
            _tabs(
                "support.ticket",
                "show",
                (
                    ("Mine", "mine"),
                    ("Nobody's", "unassigned"),
                    ("Overdue", "overdue"),
                    ("Answered", "answered"),
                    ("Closed", "closed"),
                    _ALL,
                ),
                "Waiting for us",
            ),
            _tabs(
                "billing.withdrawal",
                "show",
                (
                    ("In review", "in_review"),
                    ("Overdue", "overdue"),
                    ("Being checked", "unknown"),
                    ("To be arranged", "to_arrange"),
                    _ALL,
                ),
                "Open",
            ),
            _tabs("billing.arrangement", "show", (("Agreed", "agreed"), ("Put back", "put_back"), _ALL), "Open"),
            _tabs(
                "billing.payout",
                "show",
                (("Carried out", "confirmed"), ("Failed", "failed"), _ALL),
                "To be carried out",
            ),
            _tabs(
                "billing.dispute",
                "show",
                (("Under review", "under_review"), ("To look at", "attention"), ("Won", "won"), ("Lost", "lost"), _ALL),
                "To answer",
            ),
            _tabs(
                "billing.fraudwarning",
                "show",
                (
                    ("Being refunded", "refunding"),
                    ("Refunded", "refunded"),
                    ("Observed", "observed"),
                    ("Dismissed", "dismissed"),
                    ("Account held", "holds"),
                    _ALL,
                ),
                "Waits for staff",
            ),
            _tabs("billing.discrepancy", "show", (("Resolved", "resolved"), _ALL), "Open"),
            _tabs(
                "notifications.email",
                "state",
                (("Waiting", "waiting"), ("Failed", "failed"), ("Sent", "sent")),
            ),
            _tabs(
                "billing.gatewayevent",
                "state__exact",
                (("Waiting", "waiting"), ("Failed", "failed"), ("Ignored", "ignored"), ("Done", "done")),
            ),
        ],
    }
