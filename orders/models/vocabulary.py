"""The words of an order's life, and which moves are legal. The policy's facts use the same values (tested)."""

from typing import Final

from django.db import models


class OrderStatus(models.TextChoices):
    """Where an order stands. The values are stored; the labels are what API v2 and pages say."""

    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    IN_PROGRESS = "in_progress", "In progress"
    PARTIAL = "partial", "Partial"
    CANCELED = "canceled", "Canceled"
    COMPLETED = "completed", "Completed"


class Cause(models.TextChoices):
    """Why an order moved."""

    NOT_STARTED = "not_started", "Not started"
    SERVICE_UNAVAILABLE = "service_unavailable", "Service unavailable"
    SYSTEM_ERROR = "system_error", "System error"
    CANNOT_COMPLETE = "cannot_complete", "Can't be completed"
    SERVICE_DISCONTINUED = "service_discontinued", "Service discontinued"
    TARGET_UNAVAILABLE = "target_unavailable", "Target unavailable"
    INVALID_TARGET = "invalid_target", "Invalid link or target"
    DROPPED = "dropped", "Dropped after delivery"
    PLATFORM_DELAY = "platform_delay", "Delay of the platform"
    CHANGE_OF_MIND = "change_of_mind", "Change of mind"
    TERMS_VIOLATION = "terms_violation", "Violation of the terms"
    PROVIDER_CANCELED = "provider_canceled", "Canceled by the provider"
    STAFF_CANCELED = "staff_canceled", "Canceled by staff"
    DELIVERED = "delivered", "Delivered"
    CORRECTION = "correction", "Correction"


class Initiator(models.TextChoices):
    """Who moved an order."""

    CUSTOMER = "customer", "Customer"
    STAFF = "staff", "Staff"
    PROVIDER = "provider", "Provider"
    SYSTEM = "system", "System"


class PlacedThrough(models.TextChoices):
    """Which door an order came in by."""

    WEB = "web", "Website"
    API_V2 = "api_v2", "API v2"


class Terms(models.TextChoices):
    """What the customer was told about refunds of the service before ordering."""

    STANDARD = "standard", "Standard"
    NO_REFUND_AFTER_START = "no_refund_after_start", "No refund once delivery has begun"


class RefillOffer(models.TextChoices):
    """Whether what went away after delivery can be delivered again instead of being refunded."""

    NOT_OFFERED = "not_offered", "Not offered"
    AVAILABLE = "available", "Can be asked for"
    RUNNING = "running", "Running"
    REFUSED = "refused", "Refused"


OPEN_STATUSES: Final = frozenset({OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS})
FINAL_STATUSES: Final = frozenset({OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED})

# A final status moves again only as a correction. processing -> pending is the submitter giving back its claim when
# the provider provably has nothing (docs/adr/0008).
LEGAL_MOVES: Final = {
    OrderStatus.PENDING: frozenset({OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS, *FINAL_STATUSES}),
    OrderStatus.PROCESSING: frozenset({OrderStatus.PENDING, OrderStatus.IN_PROGRESS, *FINAL_STATUSES}),
    OrderStatus.IN_PROGRESS: FINAL_STATUSES,
    OrderStatus.PARTIAL: FINAL_STATUSES,
    OrderStatus.CANCELED: FINAL_STATUSES,
    OrderStatus.COMPLETED: FINAL_STATUSES,
}
