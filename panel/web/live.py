"""Parts of pages that keep themselves up to date: htmx asks for them again every few seconds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import update_wrapper
from typing import Concatenate, Final, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect

from panel.web import typed

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

_UNCHANGED: Final = 204  # htmx leaves the page as it is, so nothing is read out again


def is_asked(request: HttpRequest) -> bool:
    """Whether htmx asks for a part, and not a person for the page."""
    return request.headers.get("HX-Request") == "true"


def signed_in_only(view: View[P]) -> View[P]:
    """Let customers in only. When the session ended meanwhile, the whole page goes to sign in, not just the part."""
    guarded = login_required(view)

    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if is_asked(request) and not request.user.is_authenticated:
            page = urlsplit(request.headers.get("HX-Current-URL", "")).path or request.path
            return HttpResponseClientRedirect(redirect_to_login(page).url)
        answer: HttpResponse = guarded(request, *args, **kwargs)
        return answer

    return update_wrapper(wrapper, view)


def unchanged() -> HttpResponse:
    """Answer that nothing is new; htmx asks again."""
    return HttpResponse(status=_UNCHANGED)


def age(since: str | None, *, at: datetime) -> timedelta:
    """Return for how long a page has been asking; `since` is its own note of when it began, in seconds of Unix time."""
    began = typed.number(since)
    return timedelta.max if began is None else timedelta(seconds=max(int(at.timestamp()) - began, 0))
