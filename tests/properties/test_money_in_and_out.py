"""The way of all money: deposits in, orders, withdrawals out, against real PostgreSQL and the payments sandbox.

Hypothesis drives customers, staff, workers and the gateway in any order, with faults, lost and repeated webhooks, and
crashes between any two steps of sending. After every step the customer's money is what the model and the gateway's
own books say (`money_model`); at the end everything comes to rest, and both sides agree to the cent.
"""

import pytest
import time_machine
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from panel.sandbox.payments import PaymentsSandbox
from tests.factories import AT
from tests.properties.paying_in import Step, steps_of
from tests.properties.paying_out import PayingOut

pytestmark = pytest.mark.django_db

# After some ten examples hypothesis goes on with small changes of those; other seeds bring more that is new.
SEEDS = (1, 2, 3)
EXAMPLES = 10


@pytest.mark.parametrize("number", SEEDS)
def test_no_sequence_of_steps_on_both_sides_makes_or_loses_money(payments: PaymentsSandbox, number: int) -> None:
    with time_machine.travel(AT, tick=False) as clock:

        @seed(number)
        class MoneyInAndOut(PayingOut):
            def __init__(self) -> None:
                super().__init__(payments, clock)

            @rule(one=steps_of(PayingOut))
            def do(self, one: Step) -> None:
                name, given = one
                getattr(self, name)(**given)

        run_state_machine_as_test(
            MoneyInAndOut,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=40,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
