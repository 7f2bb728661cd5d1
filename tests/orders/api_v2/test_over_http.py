"""Over real HTTP: races, and the published client as it is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.db import connection, transaction
from pytest_django.live_server_helper import LiveServer
from safesmm import SafeSMM, SafeSMMError

from billing import ledger
from billing.models import Transfer, TransferKind
from orders.models import Cause, Order, OrderStatus, PlacedRequest, Refill, Service
from panel.accounts.models import User
from tests.factories import make_customer, move
from tests.factories.refills import refillable
from tests.orders.api_v2.conftest import key_of
from tests.orders.api_v2.panel_client import LINK

CALLERS = 8


@pytest.fixture
def address(live_server: LiveServer) -> str:
    return f"{live_server.url}/api/v2"


def at_once(call: Callable[[int], Any]) -> list[Any]:
    """Make the call from all callers at the same moment; their answers."""
    barrier = Barrier(CALLERS)

    def one(caller: int) -> Any:
        barrier.wait(60)
        return call(caller)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(one, range(CALLERS)))


def post(address: str, **given: Any) -> Any:
    response = httpx.post(address, data=given, timeout=30)
    assert response.status_code == 200
    return response.json()


def charges() -> int:
    return Transfer.objects.filter(kind=TransferKind.ORDER_PLACED).count()


def test_places_one_order_when_eight_calls_carry_one_request_id(address: str, key: str, reach: Service) -> None:
    answers = at_once(
        lambda _: post(
            address, key=key, action="add", service=reach.pk, link=LINK, quantity=1000, request_id="spring-7"
        )
    )

    order = Order.objects.get()
    assert answers == [{"order": order.pk}] * CALLERS
    assert charges() == 1
    assert PlacedRequest.objects.get().order_ids == [order.pk]
    assert post(address, key=key, action="balance") == {"balance": "49.10", "currency": "USD"}


def test_places_as_many_orders_as_the_balance_pays_for(address: str, reach: Service) -> None:
    key = key_of(make_customer("grace", funds="2.99"))

    answers = at_once(
        lambda caller: post(
            address, key=key, action="add", service=reach.pk, link=f"{LINK}/{caller}", quantity=1000, request_id=caller
        )
    )

    placed = [body["order"] for body in answers if "order" in body]
    refused = [body for body in answers if "order" not in body]
    assert len(placed) == len(set(placed)) == Order.objects.count() == charges() == 3
    assert refused == [{"error": "Not enough funds on balance"}] * 5
    assert post(address, key=key, action="balance") == {"balance": "0.29", "currency": "USD"}


def test_refunds_once_when_eight_calls_cancel_one_order(address: str, key: str, reach: Service) -> None:
    order = post(address, key=key, action="add", service=reach.pk, link=LINK, quantity=1000)["order"]

    answers = at_once(lambda _: post(address, key=key, action="cancel", orders=order))

    accepted = [body for body in answers if body == [{"order": order, "cancel": 1}]]
    assert len(accepted) == 1
    assert Transfer.objects.filter(kind=TransferKind.ORDER_REFUND).count() == 1
    assert post(address, key=key, action="balance") == {"balance": "50.00", "currency": "USD"}


def test_asks_to_try_again_when_the_account_stays_locked(address: str, ada: User, key: str, reach: Service) -> None:
    with transaction.atomic():
        ledger.lock_customers([ada.pk])

        body = post(address, key=key, action="add", service=reach.pk, link=LINK, quantity=1000)

    assert body == {"error": "The panel is busy, please try again"}
    assert not Order.objects.exists()
    assert "order" in post(address, key=key, action="add", service=reach.pk, link=LINK, quantity=1000)
    assert not connection.in_atomic_block


def test_makes_one_refill_when_eight_calls_ask_for_it(address: str, ada: User, key: str) -> None:
    order = refillable(ada)

    answers = at_once(lambda _: post(address, key=key, action="refill", order=order.pk))

    refill = Refill.objects.get()
    assert answers.count({"refill": str(refill.pk)}) == 1
    assert answers.count({"error": "A refill of this order was asked for already and has not ended."}) == CALLERS - 1


def test_serves_the_published_client_as_it_is(address: str, ada: User, key: str, reach: Service) -> None:
    panel = SafeSMM(key, api_url=address)

    assert panel.balance() == {"balance": "50.00", "currency": "USD"}
    [offer] = panel.services()
    assert (offer["service"], offer["rate"], offer["min"]) == (reach.pk, "0.90", "50")
    first = panel.add_order(offer["service"], LINK, 1000)["order"]
    second = panel.add_order(offer["service"], LINK, quantity=2000)["order"]
    assert panel.status(first) == {
        "charge": "0.90",
        "start_count": "0",
        "status": "Pending",
        "remains": "1000",
        "currency": "USD",
    }
    move(Order.objects.get(pk=second), OrderStatus.PARTIAL, remains=500, cause=Cause.CANNOT_COMPLETE)
    many = panel.multi_status([first, second, 999_999])
    assert many[str(second)]["status"] == "Partial"
    assert many[str(second)]["charge"] == "1.35"
    assert many["999999"] == {"error": "Incorrect order ID"}
    assert panel.cancel([first, 999_999]) == [
        {"order": first, "cancel": 1},
        {"order": 999_999, "cancel": {"error": "Incorrect order ID"}},
    ]
    assert panel.balance() == {"balance": "48.65", "currency": "USD"}
    refilled = refillable(ada)
    assert panel.refill(refilled.pk) == {"refill": str(Refill.objects.get(order=refilled).pk)}


@pytest.mark.parametrize("slash", ["", "/"])
def test_gives_the_published_client_the_text_of_a_refusal(address: str, key: str, reach: Service, slash: str) -> None:
    panel = SafeSMM(key, api_url=address + slash)

    with pytest.raises(SafeSMMError, match="Quantity less than minimal 50"):
        panel.add_order(reach.pk, LINK, 49)
    with pytest.raises(SafeSMMError, match="Incorrect request"):
        panel.add_order(reach.pk, LINK, 100, runs=5, interval=30)
    with pytest.raises(SafeSMMError, match="Incorrect order ID"):
        panel.refill(1)
    with pytest.raises(SafeSMMError, match="Invalid API key"):
        SafeSMM("wrong", api_url=address + slash).balance()
