"""The public pages of refund policies: the one in force, earlier ones, and what changed between two of them."""

from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from panel.web import queries
from panel.web.people import reader_of
from refunds.models import PolicyVersion
from refunds.policy import page


@require_safe
def refund_policy(request: HttpRequest) -> HttpResponse:
    """Show the refund policy that new orders of this reader are placed under."""
    version = queries.policy_in_force(timezone.now(), reader_of(request))
    if version is None:
        raise Http404
    return _policy_page(request, version, timezone.now())


@require_safe
def refund_policy_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """Show the version that an order was placed under, whether or not it is still in force."""
    now = timezone.now()
    version = queries.published_policy(version_id, reader_of(request), now)
    if version is None:
        raise Http404
    return _policy_page(request, version, now)


def _policy_page(request: HttpRequest, version: PolicyVersion, at: datetime) -> HttpResponse:
    content = page.build(
        version.policy, panel=settings.PANEL_NAME, currency=settings.PANEL_CURRENCY, email=settings.SUPPORT_EMAIL
    )
    in_force = version == queries.policy_in_force(at, reader_of(request))
    return render(request, "web/refund_policy.html", {"page": content, "version": version, "in_force": in_force})
