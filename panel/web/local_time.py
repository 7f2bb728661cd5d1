"""Whose clock a page shows: the signed-in person's, else what the browser said of itself, else the panel's.

Staff pages stay in the panel's zone, so that two people at one desk read the same times. Days that are promised in
business days are the panel's on every page (`panel.web.dates`). What a browser sends is a name to look up, no more.
"""

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from panel.accounts import time_zone
from panel.accounts.models import User
from panel.kernel import time_zones
from panel.web.people import signed_in

COOKIE: Final = "time_zone"
_LEFT_ALONE: Final = ("/admin/", "/api/", "/webhooks/", "/healthz", "/readyz", "/metrics")


class LocalTimeMiddleware:
    """Activates the reader's time zone while a page is made, and leaves none behind for the next request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        """Activate the zone once it is known that the address leads somewhere: only then somebody reads times."""
        if not request.path_info.startswith(_LEFT_ALONE):
            timezone.activate(zone_of(request))


def keep(request: HttpRequest) -> None:
    """Take the zone of the browser for that of a person who has chosen none: letters then say times as pages do."""
    user, name = signed_in(request), request.COOKIES.get(COOKIE, "")
    if not user.time_zone and time_zones.named(name) is not None:
        time_zone.choose(user=user, name=name)


def zone_of(request: HttpRequest) -> ZoneInfo:
    """Return the time zone of whoever looks at a page."""
    user = request.user
    if isinstance(user, User) and user.time_zone:
        return user.zone
    return time_zones.named(request.COOKIES.get(COOKIE, "")) or ZoneInfo(settings.TIME_ZONE)
