"""Refills as steps of the money path: they move no money, but are a fact of later claims."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from orders import refills
from orders.models import Order, Refill, RefillState
from panel.accounts.models import User
from tests.factories import refills as made
from tests.properties.desk_rules import orders


class RefillRules(RuleBasedStateMachine):
    at: datetime
    ada: User

    @rule(order_id=orders)
    def ask_for_a_refill(self, order_id: int) -> None:
        self.at += timedelta(seconds=1)
        live = Refill.objects.filter(order=order_id, closed_at__isnull=True).exists()
        objection = refills.objection(Order.objects.get(pk=order_id))
        try:
            refills.ask(customer=self.ada, order_id=order_id, at=self.at)
        except refills.RefillRunning:
            assert live
        except refills.RefillRefused:
            assert objection
        else:
            assert not live
            assert not objection

    @rule(order_id=orders, to=st.sampled_from([RefillState.COMPLETED, RefillState.REJECTED]))
    def end_a_refill(self, order_id: int, to: RefillState) -> None:
        for refill in Refill.objects.filter(order=order_id, closed_at__isnull=True):
            self.at += timedelta(seconds=1)
            made.end(refill, to, at=self.at)
