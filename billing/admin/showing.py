"""What the lists about money share: tabs that narrow them to what waits, and searches that an index answers."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from billing.models import GatewaySlug

_LARGEST_NUMBER = 2**63 - 1
_BRIEF = 30
Rows = QuerySet[Any]


class ShowFilter(admin.SimpleListFilter):
    """Part of a list by a word in the address. Without one: `first`, or, in a search, every row."""

    title = "show"
    parameter_name = "show"
    first: ClassVar[str]
    narrow_first: ClassVar[Callable[[Rows], Rows]]
    others: ClassVar[Mapping[str, tuple[str, Callable[[Rows], Rows]]]]

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(word, label) for word, (label, _) in self.others.items()]

    def choices(self, changelist: Any) -> Any:  # noqa: ANN401 - as upstream
        """Call the list without a word by what it shows."""
        first, *others = super().choices(changelist)
        return [{**first, "display": self.first}, *others]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        word = self.value() or ""
        if word in self.others:
            return self.others[word][1](queryset)
        return queryset if request.GET.get(SEARCH_VAR) else type(self).narrow_first(queryset)


def every(rows: Rows) -> Rows:
    """Leave the list whole."""
    return rows


def brief(text: str) -> SafeString:
    """Shorten a sentence to one line of a list; the whole of it shows when it is pointed at."""
    return format_html(
        '<span class="whitespace-nowrap" title="{}">{}</span>', text, Truncator(text).chars(_BRIEF) if text else "-"
    )


def number_in(term: str) -> int | None:
    """Return the number that was searched for, capped to what the database holds; None for anything else."""
    return min(int(term), _LARGEST_NUMBER) if term.isascii() and term.isdigit() else None


def told_by_gateways(rows: Rows, search_term: str) -> Rows:
    """Narrow what gateways tell of by number, the customer's whole e-mail address, or the gateway's whole reference."""
    term = search_term.strip()
    if not term:
        return rows
    if "@" in term:
        return rows.filter(customer__email=term.lower())
    if (number := number_in(term)) is not None:
        return rows.filter(pk=number)
    return rows.filter(gateway__in=GatewaySlug.values, reference=term)
