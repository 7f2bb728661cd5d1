"""Deposits raced by real threads: whoever learns of it first, each is opened once and credited once."""

from datetime import datetime
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from billing import deposit_checks, deposits, gateways
from billing.models import Deposit
from panel import webhooks
from panel.kernel.errors import Conflict
from panel.sandbox.payments import PaymentsSandbox
from tests.billing import letters
from tests.billing.money import balances, moved
from tests.concurrency.racing import of, race
from tests.factories import HOUR, make_customer, open_deposit

pytestmark = pytest.mark.django_db(transaction=True)


def test_webhooks_return_page_and_poller_at_once_credit_a_deposit_once(payments: PaymentsSandbox) -> None:
    for number in range(1, 7):
        ada = make_customer(f"ada{number}")
        deposit = open_deposit(ada, "50", at=timezone.now())
        payments.pay(str(deposit.reference))
        [completed] = [event.id for event in payments.queued() if event.type == "checkout.session.completed"]
        again = payments.announce("checkout.session.completed", str(deposit.reference))
        later = timezone.now() + HOUR
        read = gateways.get("stripe").fetch_deposit(str(deposit.reference))

        results = race(
            [
                *[partial(deposits.record, read, gateway="stripe", at=later)] * 3,  # who has just been told
                partial(payments.deliver, completed),
                partial(payments.deliver, completed),
                partial(payments.deliver, again),
                webhooks.handle_due,
                webhooks.handle_due,
                partial(deposits.refresh, deposit.pk, at=later),
                partial(deposits.refresh, deposit.pk, at=later),
                partial(poll, later),
            ]
        )
        webhooks.handle_due()

        assert results[3:6] == [[200], [200], [200]]
        assert of(Exception, results) == []
        assert (balances(ada), moved(ada)) == ({"available": "50.00"}, [("deposit", "50.00")])
        assert letters.count("deposit_receipt") == number


def poll(at: datetime) -> int:
    return deposit_checks.check_due(clock=lambda: at)


def test_one_form_for_a_deposit_sent_six_times_at_once_is_one_deposit(payments: PaymentsSandbox) -> None:
    del payments
    ada = make_customer()

    results = race([partial(open_deposit, ada, "50", key=uuid4())] * 6)

    # Two calls with one key at the gateway: the second may be told that the first is still under way.
    opened = of(Deposit, results)
    assert opened
    assert len(opened) + len(of(Conflict, results)) == 6
    assert len({(deposit.pk, deposit.reference) for deposit in opened}) == 1
    assert Deposit.objects.count() == 1
