"""The public pages: services with their prices, and the refund policy."""

from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from orders.models import Terms
from panel.accounts.models import Standing
from panel.web import queries, typed
from panel.web.people import signed_in
from refunds import order_policy
from refunds.models import PolicyVersion
from refunds.policy import page


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
    policy = queries.policy_in_force(timezone.now())
    standing = Standing(signed_in(request).standing) if request.user.is_authenticated else Standing.CLEAR
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


@require_safe
def refund_policy(request: HttpRequest) -> HttpResponse:
    """Show the refund policy that new orders are placed under."""
    version = queries.policy_in_force(timezone.now())
    if version is None:
        raise Http404
    return _policy_page(request, version, in_force=True)


@require_safe
def refund_policy_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """Show the version that an order was placed under, whether or not it is still in force."""
    now = timezone.now()
    version = queries.published_policy(version_id, now)
    if version is None:
        raise Http404
    return _policy_page(request, version, in_force=version == queries.policy_in_force(now))


def _policy_page(request: HttpRequest, version: PolicyVersion, *, in_force: bool) -> HttpResponse:
    content = page.build(
        version.policy, panel=settings.PANEL_NAME, currency=settings.PANEL_CURRENCY, email=settings.SUPPORT_EMAIL
    )
    return render(request, "web/refund_policy.html", {"page": content, "version": version, "in_force": in_force})
