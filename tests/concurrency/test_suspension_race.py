"""Whoever orders or withdraws while the account is being suspended waits for it, and then sees that it is."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from billing import ledger
from billing.models import Withdrawal
from orders.models import Order
from panel.accounts.models import SuspensionCause
from panel.accounts.suspension import AccountSuspended
from panel.notifications import suspending
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.money import balances
from tests.concurrency.racing import PATIENCE, race
from tests.factories import AT, make_customer, make_service, pay_in, place_order, withdraw

pytestmark = pytest.mark.django_db(transaction=True)


def wait_for_somebody_who_waits() -> None:
    """Return once another connection waits for a lock that this one holds."""
    end = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(
                "SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone():
                return
            time.sleep(0.01)
    pytest.fail("nobody waited")


@pytest.mark.parametrize("kind", ["order", "withdrawal"])
def test_what_waited_for_the_account_is_refused(payments: PaymentsSandbox, kind: str) -> None:
    ada = make_customer()
    pay_in(ada, payments)
    service = make_service(rate="5")
    held = threading.Event()

    def suspend() -> None:
        with transaction.atomic():
            customer = suspending.locked(ada.pk)
            ledger.lock_wallets([ada.pk])
            held.set()
            wait_for_somebody_who_waits()
            suspending.suspend_locked(customer, reason="The bank asks.", cause=SuspensionCause.DISPUTE, at=AT)

    def act() -> Any:
        assert held.wait(PATIENCE)
        wanted: Callable[[], Any] = (
            partial(place_order, ada, service) if kind == "order" else partial(withdraw, ada, "20")
        )
        return wanted()

    _, refused = race([suspend, act])

    assert isinstance(refused, AccountSuspended)
    assert balances(ada) == {"available": "50.00"}
    assert not Order.objects.exists()
    assert not Withdrawal.objects.exists()
