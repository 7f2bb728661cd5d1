"""What the monitoring is told about the refund desk."""

from datetime import timedelta

import pytest
import time_machine

from orders.models import Cause, OrderStatus
from refunds import metrics
from refunds.desk import deciding
from refunds.desk.plans import Choice
from tests.factories import AT, desk, make_customer, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db


def told() -> dict[str, float]:
    return {sample.name.removeprefix("makegood_refund_requests_"): float(sample.value) for sample in metrics.samples()}


def test_tells_what_waits_what_is_late_and_for_how_long() -> None:
    desk.order_in_review()
    late = place_order(make_customer("ben", funds="20"), make_service(rate="10"), at=AT - timedelta(days=3))
    move(late, OrderStatus.COMPLETED, remains=0, at=AT - timedelta(days=3))
    request = desk.ask_for_refund(late, Cause.DROPPED, at=AT - timedelta(days=3))
    deciding.approve(
        request_id=request.pk, staff=make_staff(), choice=Choice(amount=late.charge), note="Fine", seen=None, at=AT
    )

    with time_machine.travel(AT + timedelta(hours=1), tick=False):
        assert told() == {"open": 2, "overdue": 1, "to_confirm": 1, "oldest_overdue_seconds": 25 * 3600}


def test_tells_zeros_when_nothing_waits() -> None:
    assert told() == {"open": 0, "overdue": 0, "to_confirm": 0, "oldest_overdue_seconds": 0}
