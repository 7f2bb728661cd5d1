"""The public catalog: services with their prices, and what is refunded for them."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from orders.models import Terms
from panel.accounts.models import Standing
from panel.web import queries, typed
from panel.web.people import reader_of
from refunds import order_policy


@dataclass(frozen=True, slots=True)
class TermsNote:
    """What is refunded for services of one kind of terms, in short lines."""

    terms: Terms
    lines: tuple[str, ...]


@require_safe
def catalog(request: HttpRequest) -> HttpResponse:
    """Show what is sold, at which price, and what is refunded when."""
    search = typed.words(request.GET.get("q"))
    shelves = queries.shelves(search)
    shown = {service.terms for shelf in shelves for service in shelf.services}
    reader = reader_of(request)
    policy = queries.policy_in_force(timezone.now(), reader)
    standing = Standing(reader.standing) if reader else Standing.CLEAR
    return render(
        request,
        "web/catalog.html",
        {
            "search": search,
            "shelves": shelves,
            "found": sum(len(shelf.services) for shelf in shelves),
            "notes": [
                TermsNote(terms, order_policy.order_note(policy.pk, terms, standing))
                for terms in Terms
                if terms in shown
            ]
            if policy
            else [],
        },
    )
