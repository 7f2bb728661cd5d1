"""Who may do what at the desk, and the locks: an order first, then its request. Checked below every edge."""

from typing import Final

from django.db.models import QuerySet

from orders.canceling import OrderNotFound
from orders.models import Order
from panel.accounts import standing
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound
from refunds.models import RefundRequest, RequestState

MAY_WORK: Final = "refunds.change_refundrequest"
MAY_CONFIRM: Final = "refunds.confirm_refundrequest"
MAY_OPEN: Final = "refunds.open_refundrequest"


class RequestNotFound(NotFound):
    """There is no such request, or it is another customer's: the two are told apart by nobody."""

    code = "refund_request_not_found"


class NotOpen(Conflict):
    """The request was answered or withdrawn before."""

    code = "refund_request_not_open"


def require(staff: User, permission: str) -> None:
    """Raise Forbidden unless this member of staff has the permission."""
    if not (staff.is_staff and staff.is_active and staff.has_perm(permission)):
        raise Forbidden("Your account may not do this at the refund desk.")


def locked_for_staff(request_id: int, staff: User, permission: str = MAY_WORK) -> tuple[Order, RefundRequest]:
    """Lock a request's customer, its order, then the open request itself, for a member of staff.

    The customer is locked so that how he stands, a fact of the policy, is the same all through the use case.

    Raises Forbidden (no permission, or the own account's request), RequestNotFound, NotOpen.
    """
    require(staff, permission)
    order, request = _locked(RefundRequest.objects.filter(pk=request_id), with_customer=True)
    if request.customer_id == staff.pk:
        raise Forbidden("Nobody works on a request of an own account.")
    return order, _open(request)


def locked_for_customer(request_id: int, customer: User) -> tuple[Order, RefundRequest]:
    """Lock the order of a customer's own request, then the open request itself. Raises RequestNotFound, NotOpen."""
    order, request = _locked(RefundRequest.objects.filter(pk=request_id, customer=customer))
    return order, _open(request)


def locked_order(order_id: int, customer: User | None = None) -> Order:
    """Lock an order, of this customer if one is given. Raises OrderNotFound."""
    orders = Order.objects.locked().filter(pk=order_id)
    order: Order | None = (orders if customer is None else orders.filter(customer=customer)).first()
    if order is None:
        raise OrderNotFound("There is no such order.")
    return order


def _locked(found: QuerySet[RefundRequest], *, with_customer: bool = False) -> tuple[Order, RefundRequest]:
    """Lock in the order in which settlements do: they come with the order locked. A request's order never changes."""
    numbers = found.values_list("order_id", "customer_id").first()
    if numbers is None:
        raise RequestNotFound("There is no such refund request.")
    if with_customer:
        standing.locked(numbers[1])
    order = locked_order(numbers[0])
    return order, found.select_for_update(of=("self",)).get()


def _open(request: RefundRequest) -> RefundRequest:
    if request.state != RequestState.OPEN:
        raise NotOpen(f"This request is {request.get_state_display().lower()} already.")
    return request
