"""How refund desks pay the wrong person, or one thing twice, through who asks and who decides; one test each.

They were found in public panels and refund engines by reading their code. The numbers are those of the list.
"""

from decimal import Decimal
from functools import partial

import pytest

from orders.models import Cause
from panel.kernel.errors import Forbidden
from refunds.desk import deciding, opening
from refunds.models import RefundRequest
from tests.concurrency.racing import of, race
from tests.factories import AT, fund, make_staff
from tests.factories.desk import (
    approve,
    ask_for_refund,
    balance_of,
    completed,
    confirm,
    decline,
    make_agent,
    make_approver,
    partly_delivered,
    send_back,
)
from tests.factories.reports import refunds_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("rights", ["an agent", "an approver", "a superuser"])
def test_39_who_asks_for_a_refund_approves_confirms_and_declines_none_of_it(rights: str) -> None:
    asks = {"an agent": make_agent, "an approver": make_approver, "a superuser": make_staff}[rights]("otto")
    fund(asks, "20")
    order = completed(asks)
    request = ask_for_refund(order, Cause.SYSTEM_ERROR)

    for answer in (approve, decline):
        with pytest.raises(Forbidden):
            answer(request, asks)
    approve(request, make_agent("hiro"), "3")
    for second in (confirm, send_back):
        with pytest.raises(Forbidden):
            second(request, asks)

    assert refunds_of(order) == []
    assert balance_of(asks) == Decimal(10)


def test_39_who_recommends_a_refund_does_not_confirm_it_either() -> None:
    order, ida = completed(), make_approver()
    request = approve(ask_for_refund(order, Cause.SYSTEM_ERROR), ida, "3")

    with pytest.raises(Forbidden):
        deciding.confirm(request_id=request.pk, staff=ida, seen=None, at=AT)

    assert refunds_of(order) == []


def test_40_a_second_request_is_refused_while_one_is_open() -> None:
    order = partly_delivered()
    ask_for_refund(order, Cause.SYSTEM_ERROR)

    for cause in (Cause.SYSTEM_ERROR, Cause.DROPPED):
        with pytest.raises(opening.AlreadyOpen):
            ask_for_refund(order, cause)

    assert RefundRequest.objects.filter(order=order).count() == 1


@pytest.mark.django_db(transaction=True)
def test_40_of_two_requests_sent_at_once_one_is_opened() -> None:
    order = partly_delivered()

    results = race([partial(ask_for_refund, order, cause) for cause in (Cause.SYSTEM_ERROR, Cause.DROPPED)])

    assert len(of(RefundRequest, results)) == 1
    assert len(of(opening.AlreadyOpen, results)) == 1
    assert RefundRequest.objects.filter(order=order).count() == 1
