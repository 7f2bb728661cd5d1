"""The public catalog: services with their prices, and what is refunded for them."""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from orders.models import Category, Service
from panel.accounts.models import Standing
from panel.web import catalog_notes, queries, typed
from panel.web.catalog_notes import NO_NOTES, Notes
from panel.web.people import reader_of


class Row(NamedTuple):
    """A service as the catalog shows it. `note` is the anchor of what is refunded for it; empty when there is no link.

    A tuple, because a template takes it apart faster than it reads attributes, and there may be thousands.
    """

    service: Service
    note: str
    ends_with_start: bool


class ShownShelf(NamedTuple):
    """One category and what of it is shown."""

    category: Category
    rows: tuple[Row, ...]


@require_safe
def catalog(request: HttpRequest) -> HttpResponse:
    """Show what is sold, at which price, and what is refunded when."""
    search = typed.words(request.GET.get("q"))
    shelves = queries.shelves(search)
    services = [service for shelf in shelves for service in shelf.services]
    reader = reader_of(request)
    policy = queries.policy_in_force(timezone.now(), reader)
    standing = Standing(reader.standing) if reader else Standing.CLEAR
    notes = catalog_notes.of(services, policy.pk, standing) if policy else NO_NOTES
    return render(
        request,
        "web/catalog.html",
        {
            "search": search,
            "shelves": [
                ShownShelf(shelf.category, tuple(_row(service, notes) for service in shelf.services))
                for shelf in shelves
            ],
            "found": len(services),
            "notes": notes,
        },
    )


def _row(service: Service, notes: Notes) -> Row:
    is_special = service.pk in notes.ends_with_start
    anchor = notes.of_service.get(service.pk, "") if is_special or len(notes.shown) > 1 else ""
    return Row(service, anchor, is_special)
