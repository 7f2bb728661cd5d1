"""What the pages read: typed values in a fixed number of queries, whatever the number of rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Final

from django.db.models import Count, F, Q, QuerySet, Sum

from billing.models import Account, CustomerAccount
from orders.models import CancelRequest, Category, Order, OrderEvent, OrderStatus, Refill, Service
from panel.accounts.models import ApiKey, User
from panel.kernel import money
from panel.web import typed
from refunds import publishing
from refunds.models import Decision, PolicyAnnouncement, PolicyVersion

PAGE_SIZE: Final = 50
MOST_VERSIONS: Final = 100
_CATALOG_ORDER: Final = ("category__position", "category__name", "category_id", "position", "id")
# The tabs in the order of an order's life; the model's values are in that of its table of moves.
TAB_ORDER: Final = (
    OrderStatus.PENDING,
    OrderStatus.PROCESSING,
    OrderStatus.IN_PROGRESS,
    OrderStatus.COMPLETED,
    OrderStatus.PARTIAL,
    OrderStatus.CANCELED,
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One category and what of it is sold and was asked for."""

    category: Category
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab over the orders; `value` is empty for all of them."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """One page of orders, newest first. `newer` and `older` are the numbers that the neighboring pages start at."""

    orders: tuple[Order, ...]
    newer: int | None
    older: int | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that an order's page tells."""

    order: Order
    events: tuple[OrderEvent, ...]
    decisions: tuple[Decision, ...]
    cancel_requests: tuple[CancelRequest, ...]
    refills: tuple[Refill, ...]

    @property
    def cancel_request(self) -> CancelRequest | None:
        """The latest wish to cancel the order, if there was one."""
        return self.cancel_requests[-1] if self.cancel_requests else None


def shelves(search: str = "") -> list[Shelf]:
    """Return what is sold by category; with `search`, services whose name, description or category contains it."""
    services = Service.objects.filter(is_active=True).select_related("category")
    if search:
        services = services.filter(
            Q(name__icontains=search) | Q(description__icontains=search) | Q(category__name__icontains=search)
        )
    return on_shelves(services.order_by(*_CATALOG_ORDER))


def services_on_sale() -> dict[int, Service]:
    """Return every service that can be ordered by its number, in the order of the catalog."""
    services = Service.objects.filter(is_active=True).select_related("category").order_by(*_CATALOG_ORDER)
    return {service.pk: service for service in services}


def on_shelves(services: Iterable[Service]) -> list[Shelf]:
    """Put services that are in the order of the catalog under their categories."""
    return [Shelf(category, tuple(found)) for category, found in groupby(services, key=lambda s: s.category)]


def policy_in_force(at: datetime, reader: User | None = None) -> PolicyVersion | None:
    """Return the policy version that an order of this reader placed at `at` would carry, if any is in force."""
    return publishing.in_force(at, reader.customer_group_id if reader else None).first()


def published_policy(version_id: int, reader: User | None) -> PolicyVersion | None:
    """Return a version that is in force, was, or will be, and that this reader may see; None for any other number.

    Versions for a group are for its customers and for staff, withdrawn ones for nobody; but whoever ordered under one
    is judged by it, and may read it whatever has become of it.
    """
    version = PolicyVersion.objects.filter(pk=version_id).first()
    counts = version is not None and version.withdrawn_at is None
    if version is None or (counts and version.customer_group_id is None):
        return version
    if reader is None:
        return None
    is_mine = counts and (reader.is_staff or reader.customer_group_id == version.customer_group_id)
    return version if is_mine or Order.objects.filter(customer=reader, policy_version=version.pk).exists() else None


def announced_in_vain(version_id: int, reader: User | None) -> bool:
    """Whether letters point to a version that was withdrawn before it started, and that this reader may not read."""
    letters = PolicyAnnouncement.objects.filter(version=version_id, version__withdrawn_at__isnull=False, written__gt=0)
    return letters.exists() and published_policy(version_id, reader) is None


def policy_history(version: PolicyVersion) -> list[PolicyVersion]:
    """Return the versions for the same customers, the newest first, those that are still to start included."""
    same = PolicyVersion.objects.filter(withdrawn_at__isnull=True, customer_group=version.customer_group_id)
    return list(same[:MOST_VERSIONS])


def spendable(customer: User) -> Decimal:
    """Return what the customer can order for: available and promotional money. Money scale."""
    own = Account.objects.filter(customer=customer, kind__in=[CustomerAccount.AVAILABLE, CustomerAccount.PROMO])
    found: Decimal | None = own.aggregate(total=Sum("balance"))["total"]
    return money.ZERO if found is None else found


def in_orders(customer: User) -> Decimal:
    """Return the part of charges that is neither refunded nor earned yet: running orders and open reviews."""
    undecided = Order.objects.filter(customer=customer, charge__gt=F("refunded") + F("recognized"))
    found: Decimal | None = undecided.aggregate(total=Sum(F("charge") - F("refunded") - F("recognized")))["total"]
    return money.ZERO if found is None else found


def tabs(customer: User) -> list[Tab]:
    """Return the tabs with the number of the customer's orders in each, in one query."""
    counts = dict(Order.objects.filter(customer=customer).order_by().values_list("status").annotate(number=Count("pk")))
    own = [Tab(status.value, str(status.label), counts.get(status.value, 0)) for status in TAB_ORDER]
    return [Tab("", "All", sum(counts.values())), *own]


def orders_page(
    customer: User, *, status: str = "", search: str = "", before: int | None = None, after: int | None = None
) -> OrdersPage:
    """Return one page of the customer's orders: those below `before`, or the ones just above `after`, or the newest.

    `search` is an order's number or a part of its link.
    """
    orders: QuerySet[Order] = Order.objects.filter(customer=customer)
    if status in OrderStatus.values:
        orders = orders.filter(status=status)
    if search:
        by_number = typed.number(search.removeprefix("#"))
        orders = orders.filter(Q(link__icontains=search) | (Q() if by_number is None else Q(pk=by_number)))
    if after is not None:
        above = list(orders.filter(pk__gt=after).order_by("pk")[: PAGE_SIZE + 1])
        shown = above[:PAGE_SIZE][::-1]
        return _page(shown, has_newer=len(above) > PAGE_SIZE, has_older=True)
    if before is not None:
        orders = orders.filter(pk__lt=before)
    found = list(orders.order_by("-pk")[: PAGE_SIZE + 1])
    return _page(found[:PAGE_SIZE], has_newer=before is not None, has_older=len(found) > PAGE_SIZE)


def _page(shown: Sequence[Order], *, has_newer: bool, has_older: bool) -> OrdersPage:
    return OrdersPage(
        orders=tuple(shown),
        newer=shown[0].pk if shown and has_newer else None,
        older=shown[-1].pk if shown and has_older else None,
    )


def order(customer: User, order_id: int) -> Order | None:
    """Return the customer's order; None whether it is missing or somebody else's."""
    found: Order | None = Order.objects.filter(customer=customer, pk=order_id).first()
    return found


def story(found: Order) -> Story:
    """Return what happened to the order: events, wishes to cancel and refills oldest first, decisions newest first."""
    return Story(
        order=found,
        events=tuple(OrderEvent.objects.filter(order=found).order_by("id")),
        decisions=tuple(Decision.objects.filter(order=found).select_related("policy_version").order_by("-id")),
        cancel_requests=tuple(CancelRequest.objects.filter(order=found).order_by("id")),
        refills=refills(found),
    )


def refills(found: Order) -> tuple[Refill, ...]:
    """Return the refills of the order, oldest first."""
    if not found.allows_refill:
        return ()
    return tuple(Refill.objects.filter(order=found).order_by("id"))


def cancel_request(found: Order) -> CancelRequest | None:
    """Return the latest wish to cancel the order, if there was one."""
    return CancelRequest.objects.filter(order=found).order_by("-id").first()


def api_keys(customer: User) -> list[ApiKey]:
    """Return the customer's keys, the active ones first and the newest first among them."""
    return sorted(ApiKey.objects.filter(user=customer).order_by("-pk"), key=lambda key: not key.is_active)
