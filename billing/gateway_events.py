"""Gateway events: store a verified webhook once, then have it handled, again and again until it is.

Handling re-reads the object at the gateway, so an event is a hint and never a fact: duplicates, any order and loss are
all the same. Which function handles which type is the site's table (panel.webhooks).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F

from billing.gateways.base import GatewayError, Notice
from billing.models import EventState, GatewayEvent
from panel.accounts.models import User
from panel.kernel.errors import Busy, Conflict, Forbidden, NotFound, PanelError
from panel.locking import busy_when_locked

log = structlog.get_logger()

# Called with the event's object id (`object`), its gateway's slug and the time. Raises PanelError to be called again.
Handler = Callable[[GatewayEvent, datetime], None]

_LEASE: Final = timedelta(minutes=2)
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(hours=6)
# Gateways deliver for three days; what has found no object by then is none of ours.
_GIVES_UP_AFTER: Final = timedelta(days=3)


def store(notice: Notice, *, gateway: str, at: datetime) -> GatewayEvent:
    """Keep an event; one that was delivered before is only counted. Raises Busy."""
    with busy_when_locked(), transaction.atomic(durable=True):
        event, new = GatewayEvent.objects.get_or_create(
            gateway=gateway,
            event=notice.event,
            defaults={
                "type": notice.type,
                "object": notice.object,
                "payload": notice.payload,
                "created_at": notice.created_at,
                "received_at": at,
                "waiting_since": at,
                "due_at": at,
            },
        )
        if not new:
            GatewayEvent.objects.filter(pk=event.pk).update(deliveries=F("deliveries") + 1)
    stored: GatewayEvent = event
    return stored


def replay(*, event_id: int, staff: User, at: datetime) -> None:
    """Have an event handled once more, whatever became of it. Raises Forbidden, NotFound, Conflict, Busy."""
    if not staff.is_staff:
        raise Forbidden("Events are replayed by staff.")
    with busy_when_locked(), transaction.atomic(durable=True):
        event: GatewayEvent | None = GatewayEvent.objects.locked().filter(pk=event_id).first()
        if event is None:
            raise NotFound("There is no such event.")
        if event.due_at is not None and event.due_at <= at:
            raise Conflict("This event is about to be handled already.")
        event.state = EventState.WAITING
        event.due_at = at
        event.attempts = 0
        event.waiting_since = at
        event.save(update_fields=["state", "due_at", "attempts", "waiting_since"])


def handle_due(handlers: Mapping[str, Handler], *, clock: Callable[[], datetime], seconds: float = 100.0) -> int:
    """Handle the events that are due, until none is or the time is over; return how many were handled."""
    handled, end = 0, monotonic() + seconds
    while monotonic() < end:
        event = _claim(clock())
        if event is None:
            break
        handle(event, handlers, clock=clock)
        handled += 1
    return handled


def handle(event: GatewayEvent, handlers: Mapping[str, Handler], *, clock: Callable[[], datetime]) -> None:
    """Handle one claimed event and note what became of it; never raises for what may be better next time."""
    handler = handlers.get(event.type)
    if handler is None:
        _settle(event, EventState.IGNORED, clock())
        return
    try:
        handler(event, clock())
    except (NotFound, GatewayError, Busy, Conflict) as error:
        _try_again(event, error, clock())
    except Exception as error:
        log.exception("gateway_event_broke", gateway_event=event.event, type=event.type)
        _try_again(event, error, clock())
    else:
        _settle(event, EventState.DONE, clock())


def _claim(at: datetime) -> GatewayEvent | None:
    with transaction.atomic(durable=True):
        due = GatewayEvent.objects.filter(due_at__lte=at).order_by("due_at", "pk")
        event: GatewayEvent | None = due.select_for_update(skip_locked=True, no_key=True).first()
        if event is not None:
            event.due_at = at + _LEASE
            event.attempts += 1
            event.save(update_fields=["due_at", "attempts"])
        return event


def _settle(event: GatewayEvent, state: EventState, at: datetime) -> None:
    GatewayEvent.objects.filter(pk=event.pk).update(state=state, due_at=None, handled_at=at, error="")


def _try_again(event: GatewayEvent, error: Exception, at: datetime) -> None:
    words = error.message if isinstance(error, PanelError) else f"{type(error).__name__}: {error}"
    if at - event.waiting_since >= _GIVES_UP_AFTER:
        log.error("gateway_event_given_up", gateway_event=event.event, type=event.type, error=words)
        GatewayEvent.objects.filter(pk=event.pk).update(
            state=EventState.FAILED, due_at=None, handled_at=at, error=words[:500]
        )
        return
    pause = min(_FIRST_PAUSE * 2 ** min(event.attempts, 15), _LONGEST_PAUSE)
    GatewayEvent.objects.filter(pk=event.pk).update(due_at=at + pause, error=words[:500])
