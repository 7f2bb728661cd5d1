"""How tests speak to API v2, and how they see that nothing moved."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client

from billing.models import Account, Transfer
from orders.models import CancelRequest, Order, OrderEvent, PlacedRequest, Refill

ADDRESS = "/api/v2"
LINK = "https://example.com/launch"
MALFORMED = {"error": "Incorrect request"}
UNKNOWN_ORDER = {"error": "Incorrect order ID"}


class Api:
    """Calls with one key; every answer must be JSON and HTTP 200."""

    def __init__(self, client: Client, key: str) -> None:
        self.client = client
        self.key = key

    def __call__(self, action: str, **parameters: Any) -> Any:
        return answer(self.client.post(ADDRESS, {"key": self.key, "action": action, **parameters}))


def answer(response: Any) -> Any:
    """Return the body of an answer after looking at its envelope."""
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    body = json.loads(response.content)
    if isinstance(body, dict) and "error" in body:
        assert list(body) == ["error"]
        assert isinstance(body["error"], str)
        assert body["error"]
    return body


class Books:
    """Everything that placing, canceling or asking for a refill could have written."""

    def pages(self) -> dict[str, object]:
        return {
            "orders": list(Order.objects.order_by("pk").values_list("pk", "status", "remains", "refunded", "charge")),
            "events": OrderEvent.objects.count(),
            "cancel requests": CancelRequest.objects.count(),
            "refills": list(Refill.objects.order_by("pk").values_list("pk", "state", "order")),
            "remembered": PlacedRequest.objects.count(),
            "transfers": Transfer.objects.count(),
            "balances": list(Account.objects.order_by("pk").values_list("customer", "kind", "balance")),
        }

    @contextmanager
    def untouched(self) -> Iterator[None]:
        before = self.pages()
        yield
        assert self.pages() == before
