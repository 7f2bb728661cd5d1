"""Webhooks: verify, store, answer; a task handles what was stored. The table says which type goes where."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import structlog
from celery import shared_task
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing import deposits, gateway_events, gateway_refunds, gateways
from billing.gateway_events import Handler
from billing.gateways.base import BadNotice
from billing.models import GatewayEvent, GatewaySlug
from panel.kernel.errors import Busy
from refunds import chargebacks, fraud_warnings

log = structlog.get_logger()

LARGEST_BODY: Final = 500_000


def _deposit(event: GatewayEvent, at: datetime) -> None:
    deposits.refresh_by_reference(event.object, gateway=event.gateway, at=at)


def _refund(event: GatewayEvent, at: datetime) -> None:
    gateway_refunds.refresh(event.object, gateway=event.gateway, at=at)


def _dispute(event: GatewayEvent, at: datetime) -> None:
    chargebacks.refresh(event.object, gateway=event.gateway, at=at)


def _fraud_warning(event: GatewayEvent, at: datetime) -> None:
    fraud_warnings.refresh(event.object, gateway=event.gateway, at=at)


HANDLERS: Final[Mapping[str, Handler]] = {
    "checkout.session.completed": _deposit,
    "checkout.session.async_payment_succeeded": _deposit,
    "checkout.session.async_payment_failed": _deposit,
    "checkout.session.expired": _deposit,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "radar.early_fraud_warning.created": _fraud_warning,
    "radar.early_fraud_warning.updated": _fraud_warning,
}


@csrf_exempt
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    """Take one event: 200 once it is stored, 400 when it is not signed by the gateway, 413 when it is too large."""
    try:
        body = request.body if int(request.headers.get("Content-Length") or 0) <= LARGEST_BODY else None
    except (RequestDataTooBig, ValueError):
        body = None
    if body is None or len(body) > LARGEST_BODY:
        return HttpResponse("The body is too large.\n", status=413, content_type="text/plain")
    slug = GatewaySlug.STRIPE.value
    try:
        notice = gateways.get(slug).read_notice(body, request.headers.get("Stripe-Signature", ""))
    except BadNotice as error:
        log.warning("webhook_refused", gateway=slug, error=error.message)
        return HttpResponse(f"{error.message}\n", status=400, content_type="text/plain")
    try:
        gateway_events.store(notice, gateway=slug, at=timezone.now())
    except (Busy, OperationalError, InterfaceError):
        return HttpResponse("Please deliver it again.\n", status=503, content_type="text/plain")
    _start_handling()
    return HttpResponse("ok\n", content_type="text/plain")


@shared_task(name="panel.webhooks.handle_due")
def handle_due() -> None:
    """Handle the stored events that are due."""
    gateway_events.handle_due(HANDLERS, clock=timezone.now)


def _start_handling() -> None:
    try:
        handle_due.apply_async(retry=False)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the broker, the event is stored
        log.warning("webhook_waits_for_the_sweep", error=f"{type(error).__name__}: {error}")
