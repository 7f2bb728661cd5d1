"""Whatever the order of warnings, disputes, withdrawals and refunds by hand, a payment gives back no more than came in.

The steps are what may happen at the gateway, what reaches us of it and when, and what people do meanwhile.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing import gateway_refunds
from billing.models import Deposit, FraudWarning, WarningState
from panel.kernel.errors import PanelError
from panel.sandbox.payments import PaymentsSandbox
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.store import Document
from panel.staff_groups import APPROVER
from refunds import audit, fraud_warnings, warning_desk
from refunds.models import PolicyVersion
from tests.factories import AT, HOUR, fund, make_customer, make_staff, pay_in, send_due, take_in, withdraw
from tests.factories.fraud_warnings import policy_that_refunds, under

pytestmark = pytest.mark.django_db

RECEIVED = 5000  # cents


Step = Callable[["World"], None]


class World:
    """One customer with one payment of 50.00, and everything that may happen to it."""

    def __init__(self, payments: PaymentsSandbox, version: PolicyVersion) -> None:
        self.payments, self.hours = payments, count(1)
        self.ada, self.jonas = make_customer(), make_staff(group=APPROVER)
        self.deposit: Deposit = under(version, pay_in(self.ada, payments, "50"))
        self.intent = self.deposit.payment_reference or ""

    @property
    def given_back(self) -> int:
        """What has left for this payment at the gateway, by refunds and by disputes."""
        refunds: int = sum(one["amount"] for one in self._own(self.payments.refunds()) if one["status"] != "failed")
        lines = [line for dispute in self._own(self.payments.disputes()) for line in dispute["balance_transactions"]]
        moved: int = sum(line["amount"] for line in lines)
        return refunds - moved

    @property
    def warnings(self) -> int:
        """How often the gateway has warned of this payment."""
        created = [one for one in self.payments.events() if one["type"] == "radar.early_fraud_warning.created"]
        return len(self._own([one["data"]["object"] for one in created]))

    def at(self) -> datetime:
        return AT + next(self.hours) * HOUR

    def warn(self) -> None:
        self.payments.warn_of_fraud(self.intent)

    def hear_of_warnings(self) -> None:
        fraud_warnings.sweep(at=self.at())

    def dispute(self) -> None:
        if left := RECEIVED - self.given_back:
            self.payments.open_dispute(self.intent, amount=left)

    def hear_of_disputes(self) -> None:
        for dispute in self._own(self.payments.disputes()):
            take_in(dispute["id"])

    def lose(self) -> None:
        self._end("lost")

    def win(self) -> None:
        self._end("won")

    def refund_at_the_gateway(self) -> None:
        self.payments.refund_by_hand(self.intent, 1500)

    def hear_of_refunds(self) -> None:
        gateway_refunds.refresh_payment(self.intent, gateway="stripe", at=self.at())

    def withdraw(self) -> None:
        withdraw(self.ada, "20", at=self.at())

    def send(self) -> None:
        send_due(self.at() + 48 * HOUR)

    def refund_by_staff(self) -> None:
        for case in self.deposit.fraud_warnings.exclude(state=WarningState.DISMISSED):
            warning_desk.refund(warning_id=case.pk, staff=self.jonas, reason="Stolen.", holds=False, at=self.at())

    def dismiss(self) -> None:
        for case in self.deposit.fraud_warnings.filter(state=WarningState.OPEN):
            warning_desk.dismiss(warning_id=case.pk, staff=self.jonas, reason="It was her.", at=self.at())

    def credit(self) -> None:
        fund(self.ada, "60")

    def _own(self, documents: list[Document]) -> list[Document]:
        return [one for one in documents if one["payment_intent"] == self.intent]

    def _end(self, status: str) -> None:
        for dispute in self._own(self.payments.disputes()):
            if dispute["status"] == "needs_response":
                self.payments.move_dispute(dispute["id"], status)


STEPS = (
    World.warn, World.hear_of_warnings, World.dispute, World.hear_of_disputes, World.lose, World.win,
    World.refund_at_the_gateway, World.hear_of_refunds, World.withdraw, World.send, World.refund_by_staff,
    World.dismiss, World.credit,
)  # fmt: skip
HEARING = (World.hear_of_warnings, World.hear_of_refunds, World.hear_of_disputes, World.send)


@pytest.fixture
def versions(db: None) -> dict[bool, PolicyVersion]:  # noqa: ARG001 - needs the database
    """Policies that refund, by whether they hold the account too."""
    return {hold: policy_that_refunds(hold=hold) for hold in (True, False)}


@settings(
    max_examples=15,
    phases=[Phase.generate],  # making an example smaller would take many times as long
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=4, max_size=14), hold=st.booleans())
def test_a_warned_payment_gives_back_no_more_than_came_in(
    payments: PaymentsSandbox, versions: dict[bool, PolicyVersion], steps: list[Step], *, hold: bool
) -> None:
    world = World(payments, versions[hold])

    for step in (World.warn, *steps, *HEARING, *HEARING):
        with contextlib.suppress(PanelError, StripeError):  # what is refused has changed nothing, as the audit says
            step(world)
        assert world.given_back <= RECEIVED
    assert audit.findings() == []
    cases = FraudWarning.objects.filter(deposit=world.deposit)
    assert cases.count() == world.warnings
    assert not cases.filter(state=WarningState.REFUNDING).exists()
    world.deposit.refresh_from_db()
    assert world.deposit.reserved == 0
