"""What can be bought."""

from django.db import models
from django.db.models import F, Q

from orders.models.provider import Provider
from orders.models.vocabulary import Terms


class ServiceType(models.TextChoices):
    """Which parameters an order takes; the values are API v2's names."""

    DEFAULT = "Default", "Default"
    PACKAGE = "Package", "Package"


class Category(models.Model):
    """A shelf of the catalog."""

    name = models.CharField(max_length=100, unique=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """One service. Orders copy its price and terms; changing it never changes an order."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=40, choices=ServiceType, default=ServiceType.DEFAULT)
    rate = models.DecimalField(
        max_digits=20, decimal_places=6, help_text="Price of 1,000 units; for a package, of the whole package."
    )
    min_quantity = models.PositiveBigIntegerField("minimum")
    max_quantity = models.PositiveBigIntegerField(
        "maximum", help_text="For a package, minimum and maximum are the units in it."
    )
    allows_refill = models.BooleanField("refill", default=False)
    allows_cancel = models.BooleanField(
        "cancel", default=False, help_text="The provider takes cancel requests for running orders."
    )
    refund_after_start = models.BooleanField(
        default=True, help_text="Off: no refund once delivery has begun. Customers are told before they order."
    )
    one_order_per_link = models.BooleanField(
        default=False, help_text="Refuse a second order on a link while one is running."
    )
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="services")
    provider_service_id = models.CharField(max_length=60, blank=True)
    is_active = models.BooleanField("active", default=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["category__position", "position", "id"]
        constraints = [
            models.CheckConstraint(name="service_rate_positive", condition=Q(rate__gt=0)),
            models.CheckConstraint(
                name="service_limits_in_order",
                condition=Q(min_quantity__gte=1, max_quantity__gte=F("min_quantity"), max_quantity__lte=1_000_000_000),
            ),
            models.CheckConstraint(
                name="service_package_has_one_size",
                condition=~Q(type=ServiceType.PACKAGE) | Q(min_quantity=F("max_quantity")),
            ),
            models.CheckConstraint(
                name="service_provider_link_complete",
                condition=Q(provider__isnull=True, provider_service_id="")
                | (Q(provider__isnull=False) & ~Q(provider_service_id="")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def terms(self) -> Terms:
        """The terms that an order of this service is placed under."""
        return Terms.STANDARD if self.refund_after_start else Terms.NO_REFUND_AFTER_START
