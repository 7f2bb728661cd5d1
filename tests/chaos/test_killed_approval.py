"""A process is killed in the middle of an approval: all of it happened or nothing, and it can be done again."""

import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from panel.accounts.models import User
from panel.notifications.models import Email
from refunds.desk import access
from refunds.models import RefundRequest, RequestState
from tests.chaos import approver, processes
from tests.factories import AT, make_staff
from tests.factories.desk import approve, ask_for_refund, balance_of, order_in_review, started
from tests.refunds.desk.ground import kinds, money, nothing_moves

pytestmark = pytest.mark.django_db(transaction=True)


def killed(request: RefundRequest, staff: User, remains: int | None, var: Path, *, at: str) -> None:
    """Let a process approve the request and die at this point."""
    left = "-" if remains is None else str(remains)
    words = [str(request.pk), str(staff.pk), left, AT.isoformat(), at]
    process = processes.start([sys.executable, "-m", "tests.chaos.approver", *words], var)
    with processes.ended(process):
        assert process.wait(processes.PATIENCE) == -signal.SIGKILL


@pytest.fixture(params=["of an ended order", "of a running order"])
def case(request: pytest.FixtureRequest) -> tuple[RefundRequest, int | None]:
    """A request for which 4.00 are proposed, and what remains of its order if somebody has to say so."""
    if request.param == "of an ended order":
        return order_in_review(), None
    return ask_for_refund(started(remains=400)), 400


@pytest.mark.parametrize("point", approver.POINTS)
def test_an_approval_that_is_killed_before_its_end_leaves_nothing_and_is_made_again(
    point: str, case: tuple[RefundRequest, int | None], tmp_path: Path
) -> None:
    (request, remains), hiro = case, make_staff("hiro")
    before = balance_of(request.customer)
    assert before is not None

    with nothing_moves():
        killed(request, hiro, remains, tmp_path, at=point)
    approve(request, hiro, remains=remains)

    request.refresh_from_db()
    assert (request.state, request.amount) == (RequestState.APPROVED, Decimal(4))
    assert money(request.order) == (Decimal(4), Decimal(6))
    assert balance_of(request.customer) == before + 4
    assert kinds(request) == ["opened", "approved"]
    assert Email.objects.filter(customer=request.customer, template="request_approved").count() == 1


def test_an_approval_that_is_killed_after_its_end_is_whole_and_is_not_made_again(
    case: tuple[RefundRequest, int | None], tmp_path: Path
) -> None:
    (request, remains), hiro = case, make_staff("hiro")

    killed(request, hiro, remains, tmp_path, at="-")

    with nothing_moves(), pytest.raises(access.NotOpen):
        approve(request, hiro, remains=remains)
    assert money(request.order) == (Decimal(4), Decimal(6))
    assert Email.objects.filter(customer=request.customer, template="request_approved").count() == 1
