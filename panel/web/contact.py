"""How to reach people: the public contact page."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from panel.web import queries


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    """Say how and when support is reached, and how soon it answers."""
    policy = queries.policy_in_force(timezone.now())
    context = {
        "hours": settings.SUPPORT_HOURS,
        "address": settings.SUPPORT_ADDRESS,
        "answered_within": policy.policy.contact.response_hours if policy else None,
    }
    return render(request, "web/contact.html", context)
