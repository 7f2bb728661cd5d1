"""Who is looking at a page."""

from typing import cast

from django.http import HttpRequest

from panel.accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """Return the user of a view that stands behind `login_required`."""
    return cast("User", request.user)


def reader_of(request: HttpRequest) -> User | None:
    """Return who reads a public page, if anybody is signed in."""
    return request.user if request.user.is_authenticated else None
