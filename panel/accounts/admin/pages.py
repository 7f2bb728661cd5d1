"""What lists and detail pages of staff are made of: bounded counts, read-only rows, panels of related rows."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold import decorators
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from panel.kernel import money

LONGEST_LIST = 10_000
Method = TypeVar("Method", bound=Callable[..., Any])


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # generic in the stubs only
    """Counts no further than LONGEST_LIST rows, so that a list of millions opens at once. Search reaches the others."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or LONGEST_LIST when there are more."""
        rows = cast("Any", self.object_list)
        return cast("int", rows[:LONGEST_LIST].count())


# The theme's own options leave out the scale and say by nothing which bar is which.
CHART: Final = json.dumps(
    {
        "animation": False,
        "maintainAspectRatio": False,
        "plugins": {"legend": {"display": True, "position": "top", "align": "end"}},
        "scales": {"y": {"beginAtZero": True}},
    }
)


@dataclass(frozen=True)
class Panel:
    """A table above or below the fields of a detail page. Cells are text or safe HTML; `note` stands above it.

    `chart` is the data of a bar chart in its place, as JSON for the theme's component; `folded` ones open at a click.
    """

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""
    chart: str = ""
    folded: bool = False
    chart_options: str = CHART


class SortedList(ChangeList):  # type: ignore[misc] # the theme carries no types
    """Marks the column by which the list is sorted. Upstream asks `ordering` for that, which knows of no tabs."""

    def __init__(self, request: HttpRequest, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as upstream
        self._request = request
        super().__init__(request, *args, **options)

    def _get_default_ordering(self) -> Sequence[Any]:
        ordering: Sequence[Any] = self.model_admin.get_ordering(self._request)
        return ordering[:1] or super()._get_default_ordering()


class StaffAdmin(ModelAdmin):  # type: ignore[misc] # the theme carries no types
    """Base of all staff pages. Saves only what a form changed: other columns may have moved meanwhile."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    change_form_outer_before_template = "admin/panels_above.html"
    change_form_outer_after_template = "admin/panels.html"
    # Who may use the page's actions, marked `permissions=["act"]`. Never name a permission in the mark itself: the
    # theme's system check would look it up in the database, which has no tables yet when it is migrated first.
    act_permission = ""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[SortedList]:  # noqa: ANN401 - as upstream
        return SortedList

    def panels_above(self, request: HttpRequest, obj: Any) -> Sequence[Panel]:  # noqa: ANN401 - as below
        """Return the tables above the fields of `obj`: what is needed first."""
        return ()

    def panels(self, request: HttpRequest, obj: Any) -> Sequence[Panel]:  # noqa: ANN401 - the model of the page
        """Return the tables below the detail page of `obj`."""
        return ()

    def has_act_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may use the page's actions."""
        return bool(request.user.has_perm(self.act_permission))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Open a page only for what can be a number of its rows: the buttons of each look it up by that.

        Raises Http404.
        """
        number = None if object_id is None else self._number(object_id)
        return cast("HttpResponse", super().changeform_view(request, number, form_url, extra_context))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *,
        obj: Any = None,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> TemplateResponse:
        if obj is not None and obj.pk:
            context["panels_above"] = self.panels_above(request, obj)
            context["panels"] = self.panels(request, obj)
        return cast("TemplateResponse", super().render_change_form(request, context, obj=obj, **options))

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: Any) -> None:  # noqa: ANN401 - as upstream
        if not change:
            obj.save()
            return
        columns = {field.name for field in obj._meta.concrete_fields}  # noqa: SLF001 - Django's documented name
        obj.save(update_fields=[name for name in form.changed_data if name in columns])

    def _number(self, object_id: str) -> str:
        """Return the number of a row as an address says it. Raises Http404 for what is none."""
        try:
            return str(self.opts.pk.to_python(unquote(object_id)))
        except ValidationError as error:
            message = "There is no such row."
            raise Http404(message) from error

    def found(self, request: HttpRequest, object_id: str) -> Any:  # noqa: ANN401 - the model of the page
        """Return the row of a detail action's address. Raises Http404."""
        obj = self.get_object(request, unquote(str(object_id)))
        if obj is None:
            message = "There is no such row."
            raise Http404(message)
        return obj


class ReadOnlyAdmin(StaffAdmin):
    """Pages of rows that nobody edits by hand, superusers included: use cases write them, or nothing does."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def detail_action(*, description: str, permissions: Sequence[str], icon: str) -> Callable[[Method], Method]:
    """Mark a method of (request, object_id) as a button of the detail page, for those with the permissions."""
    marked = decorators.action(description=description, permissions=permissions, icon=icon)
    return cast("Callable[[Method], Method]", marked)


def shown(
    *, description: str, ordering: str | None = None, label: Mapping[Any, str] | None = None
) -> Callable[[Method], Method]:
    """Mark a method as a column. With `label` it returns (key, text), and the key's color makes a badge."""
    marked = decorators.display(description=description, ordering=ordering, label=label)
    return cast("Callable[[Method], Method]", marked)


def amount(value: Decimal | None) -> str:
    """Format an amount with the panel's currency; a dash for none."""
    return "-" if value is None else money.display(value, settings.PANEL_CURRENCY)


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, whose plural takes an s: `1 unit`, `1,200 units`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def nowrap(text: str) -> SafeString:
    """Keep a cell of a list on one line."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def link(model: str, pk: object, text: object) -> SafeString:
    """Return a link to a row's page; `model` is like `orders_order`. A dash when there is no row."""
    if pk is None:
        return format_html("{}", "-")
    return format_html('<a href="{}" class="text-link">{}</a>', reverse(f"admin:{model}_change", args=[pk]), text)


def list_link(model: str, text: str, **query: object) -> SafeString:
    """Return a link to a list, filtered or searched by `query`."""
    address = f"{reverse(f'admin:{model}_changelist')}?{urlencode(query)}"
    return format_html('<a href="{}" class="text-link">{}</a>', address, text)


def action_link(model: str, name: str, pk: object, text: str) -> SafeString:
    """Return a link to a detail action of a row."""
    return format_html('<a href="{}" class="text-link">{}</a>', reverse(f"admin:{model}_{name}", args=[pk]), text)


def moment(value: Any) -> str:  # noqa: ANN401 - a datetime or None
    """Format an instant in UTC; a dash for none."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else "-"
