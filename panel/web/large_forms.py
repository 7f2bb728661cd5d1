"""Forms that come larger than they can be meant: answered with words beside the field instead of a bare error page.

Django refuses a body that is too large while it is read, which the check of the form's token is the first to do, before
any view could say what is wrong. So these views are left out of that check at the door and make it themselves, here.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import update_wrapper
from typing import Concatenate, Final, ParamSpec

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from panel.web import typed

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
Answer = Callable[Concatenate[HttpRequest, "Excess", P], HttpResponse]

_CHUNK: Final = 64 * 1024
# A browser shows an answer only once it got rid of what it sends, so a somewhat too large body is read and thrown away.
_MOST_THROWN_AWAY: Final = 100 * 1024 * 1024


class Excess(StrEnum):
    """What there is too much of: text and fields, or files."""

    TEXT = "text"
    FILES = "files"


def answered(too_large: Answer[P], *, most: int) -> Callable[[View[P]], View[P]]:
    """Let `too_large` answer for the view when more than `most` bytes, more text or more files come than are allowed.

    The view is protected against forged forms as every other one; `too_large` does nothing but show a page.
    """

    def guarding(view: View[P]) -> View[P]:
        protected: View[P] = csrf_protect(view)

        def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                if _announced(request) <= most:
                    return protected(request, *args, **kwargs)
                excess = Excess.FILES
            except (RequestDataTooBig, TooManyFieldsSent):
                excess = Excess.TEXT
            except TooManyFilesSent:
                excess = Excess.FILES
            _throw_away(request)
            return too_large(request, excess, *args, **kwargs)

        guarded: View[P] = csrf_exempt(update_wrapper(wrapper, view))
        return guarded

    return guarding


def _announced(request: HttpRequest) -> int:
    return typed.number(request.META.get("CONTENT_LENGTH")) or 0


def _throw_away(request: HttpRequest) -> None:
    left = _MOST_THROWN_AWAY
    try:
        while left > 0 and (chunk := request.read(_CHUNK)):
            left -= len(chunk)
    except UnreadablePostError:
        return  # the browser went away; nobody waits for the answer
