"""The page on which people choose the time zone that they read times in."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from panel.accounts import time_zone
from panel.accounts.time_zone import UnknownTimeZone
from panel.kernel import time_zones
from panel.web import dates
from panel.web.people import signed_in


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Show the zones; a POST keeps one, or none for the panel's."""
    if request.method != "POST":
        return _page(request)
    try:
        time_zone.choose(user=signed_in(request), name=request.POST.get("time_zone", "").strip())
    except UnknownTimeZone as refused:
        return _page(request, error=refused.message, status=422)
    messages.success(request, "Your time zone is changed. Times on pages and in e-mails are shown in it from now on.")
    return redirect("time-zone")


def _page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    chosen = signed_in(request).time_zone
    areas = time_zones.by_area()
    listed = {"UTC"}.union(*areas.values())
    return render(
        request,
        "web/time_zone.html",
        {
            "chosen": chosen,
            "other": chosen if chosen and chosen not in listed else "",
            "areas": [(area, [(name, time_zones.place(name)) for name in names]) for area, names in areas.items()],
            "panel_zone": settings.TIME_ZONE,
            "now": timezone.now(),
            "reckoning": dates.reckoning(),
            "error": error,
        },
        status=status,
    )
