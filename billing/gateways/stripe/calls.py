"""Make a call through the SDK: one object, or every object of a list."""

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from stripe import ListObject, StripeObject

from billing.gateways.base import OutcomeUnknown, Refusal, Refused
from billing.gateways.stripe.answers import Answer
from billing.gateways.stripe.errors import translated

ObjectT = TypeVar("ObjectT", bound=StripeObject)

_REFERENCE: Final = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


def ask(name: str, call: Callable[[], StripeObject]) -> Answer:
    """Make one call and return the object that it answers with; `name` says in messages what that is.

    Raises Refused, TryLater, OutcomeUnknown.
    """
    with translated():
        return Answer(name, call().to_dict())


def every(name: str, call: Callable[[], ListObject[ObjectT]]) -> Iterator[Answer]:
    """Yield all objects of a list, page after page.

    The SDK's own paging takes a page without `data` for an empty one. Here "none" has to be sure: a refund that is not
    found is sent again. Raises Refused, TryLater, OutcomeUnknown, also between two objects.
    """
    with translated():
        page = call()
        fields = page.to_dict()
    while True:
        objects, more = fields.get("data"), fields.get("has_more")
        if not isinstance(objects, list) or not isinstance(more, bool):
            message = f"Stripe's list of {name}s makes no sense: {len(fields)} fields, has_more is {more!r:.20}"
            raise OutcomeUnknown(message)
        for entry in objects:
            yield Answer(name, entry if isinstance(entry, dict) else {})
        if not more:
            return
        with translated():
            page = page.next_page()
            fields = page.to_dict()


def known_form(reference: str) -> str:
    """Return a reference that Stripe could have given; an empty one would ask for a list of everything.

    Raises Refused(NOT_FOUND) for any other.
    """
    if not _REFERENCE.fullmatch(reference):
        message = f"{reference[:40]!r} is no reference of Stripe's"
        raise Refused(message, refusal=Refusal.NOT_FOUND)
    return reference
