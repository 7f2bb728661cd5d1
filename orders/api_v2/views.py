"""The one address of API v2: read the parameters, know the caller, carry out one action, answer JSON.

Refusals are HTTP 200 with exactly `{"error": "..."}`: panel clients take any status from 400 up for a fault of the
network and lose the text.
"""

from collections.abc import Callable, Mapping
from typing import Final

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from orders.api_v2 import balance, cancel, catalog, errors, parameters, placing, refills, status
from orders.api_v2.call import Call
from panel.accounts import addresses, keys
from panel.kernel.errors import PanelError
from panel.locking import busy_when_locked

ACTIONS: Final[Mapping[str, Callable[[Call], object]]] = {
    "services": catalog.services,
    "add": placing.add,
    "status": status.status,
    "cancel": cancel.cancel,
    "balance": balance.balance,
    "refill": refills.refill,
    "refill_status": refills.refill_status,
}


@csrf_exempt  # the key in the parameters is the only credential; cookies are never looked at
def api_v2(request: HttpRequest) -> JsonResponse:
    """Answer one call; the shapes are those of docs/api_v2.md."""
    try:
        with busy_when_locked():
            answer = _answer(request)
    except PanelError as error:
        answer = {"error": errors.words(error)}
    # Some clients send their key in a GET query: no cache on the way may keep that.
    return JsonResponse(answer, safe=False, headers={"Cache-Control": "no-store"})


def _answer(request: HttpRequest) -> object:
    given = parameters.read(request)
    action = ACTIONS.get(given.get("action", ""))
    if action is None:
        raise parameters.Malformed("There is no such action.", field="action")
    at = timezone.now()
    customer = keys.authenticate(secret=given.get("key", ""), at=at)
    return action(Call(customer=customer, parameters=given, at=at, address=addresses.of(request)))
