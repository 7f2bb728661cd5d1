"""An order: what was agreed, how far it got, and what became of its charge."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import MD5, Now

from orders.models.catalog import Service, ServiceType
from orders.models.provider import Provider
from orders.models.vocabulary import FINAL_STATUSES, OPEN_STATUSES, OrderStatus, PlacedThrough, Terms


class OrderQuerySet(models.QuerySet["Order"]):
    """Adds the one way to lock orders."""

    def numbered(self, numbers: Collection[int]) -> "OrderQuerySet":
        """Return the orders with these numbers; one array parameter, where `pk__in` would build one for each."""
        return self.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(numbers)]))

    def locked(self) -> "OrderQuerySet":
        """Lock the rows in primary key order (docs/architecture.md, lock order)."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Order(models.Model):
    """One order. Price, terms, category and policy version are frozen at placement.

    `refunded` and `recognized` are what of the charge went back to the customer and to revenue; a trigger on transfers
    writes them (orders/migrations), so they can't differ from the ledger. What is left is still in progress.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="orders", db_index=False)
    service_name = models.CharField(max_length=200)
    service_type = models.CharField(max_length=40, choices=ServiceType)
    category = models.BigIntegerField("number of the category")
    terms = models.CharField(max_length=30, choices=Terms)
    allows_cancel = models.BooleanField(default=False)
    allows_refill = models.BooleanField(default=False)
    # refunds.PolicyVersion's primary key; a number because refunds is a higher room (refunds.audit checks it).
    policy_version = models.BigIntegerField()

    link = models.CharField(max_length=2000)
    quantity = models.PositiveBigIntegerField()
    rate = models.DecimalField(max_digits=20, decimal_places=6)
    charge = models.DecimalField(max_digits=20, decimal_places=6)
    charge_promo = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    refunded = models.DecimalField(max_digits=20, decimal_places=6, default=0, editable=False)
    recognized = models.DecimalField(max_digits=20, decimal_places=6, default=0, editable=False)

    status = models.CharField(max_length=20, choices=OrderStatus, default=OrderStatus.PENDING)
    remains = models.PositiveBigIntegerField(null=True, blank=True)
    start_count = models.PositiveBigIntegerField(null=True, blank=True)
    placed_at = models.DateTimeField(db_default=Now(), editable=False)
    # With `placed_at` and `policy_version`: who accepted which terms, when and where from. Shown to staff only.
    placed_from = models.GenericIPAddressField("placed from", null=True, blank=True, editable=False)
    placed_through = models.CharField(
        max_length=20, choices=PlacedThrough, blank=True, db_default="", editable=False, help_text="Empty: not known."
    )
    final_at = models.DateTimeField(null=True, blank=True, editable=False)

    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    provider_service_id = models.CharField(max_length=60, blank=True)
    provider_order_id = models.CharField(max_length=60, blank=True)
    submit_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    sync_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    holds_link = models.BooleanField(default=False, editable=False)

    objects: ClassVar[Any] = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="order_status_known", condition=Q(status__in=OrderStatus.values)),
            models.CheckConstraint(
                name="order_placed_through_known", condition=Q(placed_through__in=["", *PlacedThrough.values])
            ),
            models.CheckConstraint(name="order_charge_positive", condition=Q(charge__gt=0)),
            models.CheckConstraint(
                name="order_promo_within_charge", condition=Q(charge_promo__gte=0, charge_promo__lte=F("charge"))
            ),
            models.CheckConstraint(
                name="order_refunded_within_charge", condition=Q(refunded__gte=0, refunded__lte=F("charge"))
            ),
            models.CheckConstraint(
                name="order_charge_spent_once",
                condition=Q(recognized__gte=0, recognized__lte=F("charge") - F("refunded")),
            ),
            models.CheckConstraint(name="order_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="order_remains_within_quantity", condition=Q(remains__isnull=True) | Q(remains__lte=F("quantity"))
            ),
            models.CheckConstraint(
                name="order_final_has_remains_and_time",
                condition=~Q(status__in=[s.value for s in sorted(FINAL_STATUSES)])
                | Q(remains__isnull=False, final_at__isnull=False),
            ),
            models.CheckConstraint(
                name="order_completed_has_nothing_left", condition=~Q(status=OrderStatus.COMPLETED) | Q(remains=0)
            ),
            models.UniqueConstraint(
                F("service"),
                MD5("link"),  # a link may be longer than an index row
                name="order_one_running_per_link",
                condition=Q(holds_link=True, status__in=[s.value for s in sorted(OPEN_STATUSES)]),
            ),
            models.UniqueConstraint(
                "provider", "provider_order_id", name="order_of_provider_once", condition=~Q(provider_order_id="")
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="order_of_customer"),
            models.Index(fields=["customer", "status", "-id"], name="order_of_customer_by_status"),
            models.Index(
                fields=["submit_due_at", "id"], name="order_submit_due", condition=Q(submit_due_at__isnull=False)
            ),
            BrinIndex(fields=["placed_at"], name="order_placed", autosummarize=True),
            models.Index(fields=["sync_due_at", "id"], name="order_sync_due", condition=Q(sync_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Order {self.pk}"

    @property
    def is_final(self) -> bool:
        """Whether the order has come to its end (corrections aside)."""
        return self.status in FINAL_STATUSES

    @property
    def kept(self) -> Any:  # noqa: ANN401 - Decimal; Django types the field loosely
        """The charge less what was refunded: what API v2 calls `charge`. Money scale."""
        return self.charge - self.refunded

    @property
    def delivered(self) -> int | None:
        """Units delivered so far, when known."""
        return None if self.remains is None else self.quantity - self.remains


class PlacedRequest(models.Model):
    """A client's `request_id` and the orders it made: the same one within 24 hours answers the same orders."""

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    request_id = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    order_ids = models.JSONField(default=list)
    placed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("customer", "request_id", name="placed_request_once")]
