"""Rows about the catalog, providers and orders."""

from orders.models.attention import AttentionItem, AttentionKind
from orders.models.cancel_request import CancelRequest, CancelRequestState
from orders.models.catalog import Category, Service, ServiceType
from orders.models.event import OrderEvent
from orders.models.order import Order, PlacedRequest
from orders.models.provider import Provider
from orders.models.refill import Passing, Refill, RefillState
from orders.models.submission import Submission, SubmissionState
from orders.models.vocabulary import (
    FINAL_STATUSES,
    OPEN_STATUSES,
    Cause,
    Initiator,
    OrderStatus,
    PlacedThrough,
    RefillOffer,
    Terms,
)

__all__ = [
    "FINAL_STATUSES",
    "OPEN_STATUSES",
    "AttentionItem",
    "AttentionKind",
    "CancelRequest",
    "CancelRequestState",
    "Category",
    "Cause",
    "Initiator",
    "Order",
    "OrderEvent",
    "OrderStatus",
    "Passing",
    "PlacedRequest",
    "PlacedThrough",
    "Provider",
    "Refill",
    "RefillOffer",
    "RefillState",
    "Service",
    "ServiceType",
    "Submission",
    "SubmissionState",
    "Terms",
]
