"""The refund desk as steps of the money path: ask, approve, recommend, confirm, send back, decline, withdraw."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule

from orders.models import Cause, OrderStatus
from panel.accounts.models import User
from panel.kernel.errors import Forbidden
from refunds.desk import access, deciding, opening, paying, plans, talking
from refunds.desk.plans import Choice
from refunds.models import RefundRequest, RequestState
from tests.properties.order_model import GUARANTEE, LIMIT, NOTHING, UNIT, Expected, Recommended

orders: Bundle[int] = Bundle("orders")
picks = st.integers(0, 50)
people = st.sampled_from(["grace", "hiro"])


@dataclass(frozen=True)
class Planned:
    """What approving should do: what the end pays by itself, what is proposed, what is credited in all."""

    by_end: Decimal
    proposed: Decimal
    credit: Decimal
    remains: int | None


class DeskRules(RuleBasedStateMachine):
    at: datetime
    ada: User
    grace: User
    hiro: User
    available: Decimal
    promo: Decimal

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[int, Expected] = {}

    @property
    def any_open(self) -> bool:
        """Whether a request is open; the model says so, so that a repeated run draws the same."""
        return any(one.asked is not None for one in self.expected.values())

    def soon(self) -> None:
        self.at += timedelta(seconds=1)

    @contextmanager
    def refunding(self, one: Expected) -> Iterator[None]:
        """Bring to the model's balances what the step inside gives back for this order."""
        refunded, promo = one.refunded, one.promo_back
        yield
        back_to_promo = one.promo_back - promo
        self.promo += back_to_promo
        self.available += one.refunded - refunded - back_to_promo

    def picked(self, pick: int) -> tuple[Expected, RefundRequest]:
        """Return one of the orders about which a request is open, and the request."""
        numbers = [number for number, one in self.expected.items() if one.asked is not None]
        number = numbers[pick % len(numbers)]
        return self.expected[number], RefundRequest.objects.get(order=number, state=RequestState.OPEN)

    def staff(self, name: str) -> User:
        return {"grace": self.grace, "hiro": self.hiro}[name]

    @rule(order_id=orders, cause=st.sampled_from([Cause.CANNOT_COMPLETE, Cause.SYSTEM_ERROR]))
    def ask(self, order_id: int, cause: Cause) -> None:
        one = self.expected[order_id]
        self.soon()
        try:
            quote = opening.quote(customer=self.ada, order_id=order_id, cause=cause, at=self.at)
            request = opening.open_by_customer(
                customer=self.ada,
                order_id=order_id,
                cause=cause,
                description="It went wrong.",
                files=(),
                key=uuid4(),
                seen=quote.token,
                at=self.at,
            )
        except opening.AlreadyOpen:
            assert one.asked is not None
            return
        except opening.CancelInstead:
            assert (one.asked, one.status, one.policy) == (None, OrderStatus.PENDING, GUARANTEE)
            return
        except opening.CauseUnfit:
            assert (one.asked, cause, one.status) == (None, Cause.CANNOT_COMPLETE, OrderStatus.PENDING)
            return
        except opening.AnsweredBefore:
            assert RefundRequest.objects.filter(order=order_id, cause=cause, state=RequestState.DECLINED).exists()
            return
        assert one.asked is None
        assert (one.status, one.policy) != (OrderStatus.PENDING, GUARANTEE)
        owed, reviewed = one.claimed(cause, one.remains)
        assert (request.owed, request.is_open) == (owed, reviewed)
        one.asked = cause if reviewed else None

    @rule(order_id=orders, cause=st.sampled_from([Cause.CANNOT_COMPLETE, Cause.SYSTEM_ERROR]), who=people)
    def ask_for_the_customer(self, order_id: int, cause: Cause, who: str) -> None:
        one = self.expected[order_id]
        self.soon()
        try:
            request = opening.open_by_staff(
                staff=self.staff(who), order_id=order_id, cause=cause, description="She wrote.", at=self.at
            )
        except opening.AlreadyOpen:
            assert one.asked is not None
            return
        except opening.CauseUnfit:
            assert (one.asked, cause, one.status) == (None, Cause.CANNOT_COMPLETE, OrderStatus.PENDING)
            return
        assert one.asked is None
        owed, _ = one.claimed(cause, one.remains)
        assert (request.owed, request.is_open) == (owed, True)
        one.asked, one.opener = cause, who

    @precondition(lambda self: self.any_open)
    @rule(
        pick=picks,
        share=st.sampled_from([None, None, 0.0, 0.25, 0.5, 1.0, 1.5]),
        left=st.sampled_from([0.0, 0.2, 0.667, 1.0, 1.2]),
        who=people,
    )
    def approve(self, pick: int, share: float | None, left: float, who: str) -> None:
        one, request = self.picked(pick)
        amount = None if share is None else (one.charge * Decimal(share)).quantize(UNIT, ROUND_DOWN)
        remains = None if one.has_ended else int(one.quantity * left)
        self.soon()
        choice = Choice(amount, remains)
        try:
            request = deciding.approve(
                request_id=request.pk, staff=self.staff(who), choice=choice, note="Looked at", seen=None, at=self.at
            )
        except deciding.AlreadyRecommended:
            assert one.recommended is not None
            return
        except plans.RemainsMissing:
            assert one.status == OrderStatus.IN_PROGRESS
            assert left in {0.0, 1.2} or remains == 0
            return
        except plans.NothingToPay:
            plan = self.planned(one, amount, remains)
            assert plan.credit == plan.by_end == 0
            return
        except paying.AboveCharge:
            plan = self.planned(one, amount, remains)
            assert plan.credit < plan.by_end or plan.credit > one.charge - one.refunded
            return
        plan = self.planned(one, amount, remains)
        assert one.recommended is None
        assert plan.credit > 0
        assert plan.by_end <= plan.credit <= one.charge - one.refunded
        beyond = one.is_beyond_report(plan.remains)
        above = one.by_hand + plan.credit > LIMIT
        assert request.awaits_second == (above or beyond or plan.credit != plan.proposed or one.opener == who)
        if request.awaits_second:
            one.recommended = Recommended(who, plan.credit, plan.remains, one.status, beyond)
            return
        assert (request.amount, request.proposed) == (plan.credit, plan.proposed)
        with self.refunding(one):
            one.granted(plan.credit, plan.remains)

    def planned(self, one: Expected, amount: Decimal | None, remains: int | None) -> Planned:
        """Return what approving does: staff end a running order, and what that pays is paid whatever is proposed."""
        if one.has_ended:
            proposed = one.due()
            return Planned(NOTHING, proposed, proposed if amount is None else amount, None)
        if one.status == OrderStatus.PENDING:
            remains = one.quantity
        assert remains is not None
        to, cause = (
            (OrderStatus.CANCELED, Cause.STAFF_CANCELED)
            if remains == one.quantity
            else (OrderStatus.PARTIAL, Cause.CANNOT_COMPLETE)
        )
        by_end, _ = one.owed(to, remains, "staff", cause)
        proposed = one.due(remains)
        return Planned(by_end, proposed, max(by_end, proposed) if amount is None else amount, remains)

    @precondition(lambda self: self.any_open)
    @rule(pick=picks)
    def confirm(self, pick: int) -> None:
        one, request = self.picked(pick)
        self.soon()
        if one.recommended is None:
            for person in (self.grace, self.hiro):
                with pytest.raises(deciding.NotRecommended):
                    deciding.confirm(request_id=request.pk, staff=person, seen=None, at=self.at)
            return
        first, second = (self.grace, self.hiro) if one.recommended.by == "grace" else (self.hiro, self.grace)
        with pytest.raises(Forbidden):
            deciding.confirm(request_id=request.pk, staff=first, seen=None, at=self.at)
        with pytest.raises(deciding.ChangedMeanwhile):
            deciding.confirm(request_id=request.pk, staff=second, seen="another", at=self.at)
        seen = request.recommendation_token
        now = (one.status, one.is_beyond_report(one.recommended.remains))
        if now != (one.recommended.status, one.recommended.beyond):
            with pytest.raises(deciding.ChangedMeanwhile):
                deciding.confirm(request_id=request.pk, staff=second, seen=seen, at=self.at)
            return
        deciding.confirm(request_id=request.pk, staff=second, seen=seen, at=self.at)
        with self.refunding(one):
            one.granted(one.recommended.credit, one.recommended.remains)

    @precondition(lambda self: self.any_open)
    @rule(pick=picks, who=people)
    def send_back(self, pick: int, who: str) -> None:
        one, request = self.picked(pick)
        if one.recommended is not None:
            deciding.send_back(request_id=request.pk, staff=self.staff(who), note="Not yet", at=self.at)
            one.recommended = None

    @precondition(lambda self: self.any_open)
    @rule(pick=picks, who=people)
    def decline(self, pick: int, who: str) -> None:
        one, request = self.picked(pick)
        self.soon()
        said: dict[str, Any] = {"staff": self.staff(who), "clause": request.clause, "note": "No", "at": self.at}
        if one.recommended is not None and one.recommended.by != who:
            with pytest.raises(deciding.AlreadyRecommended):
                deciding.decline(request_id=request.pk, **said)
            return
        deciding.decline(request_id=request.pk, **said)
        one.closed()

    @precondition(lambda self: self.any_open)
    @rule(pick=picks)
    def withdraw(self, pick: int) -> None:
        one, request = self.picked(pick)
        self.soon()
        try:
            talking.withdraw(request_id=request.pk, customer=self.ada, at=self.at)
        except talking.CantWithdraw:
            assert one.proposed is not None
            return
        assert one.proposed is None
        one.closed()

    @rule(order_id=orders)
    def answer_what_is_answered(self, order_id: int) -> None:
        request = RefundRequest.objects.filter(order=order_id).order_by("-pk").first()
        if request is None or self.expected[order_id].asked is not None:
            return
        staff: dict[str, Any] = {"request_id": request.pk, "staff": self.hiro, "at": self.at}
        for late in (
            partial(deciding.approve, choice=Choice(), note="Late", seen=None, **staff),
            partial(deciding.confirm, seen=None, **staff),
            partial(deciding.decline, clause=request.clause, note="Late", **staff),
            partial(talking.withdraw, request_id=request.pk, customer=self.ada, at=self.at),
        ):
            with pytest.raises(access.NotOpen):
                late()
