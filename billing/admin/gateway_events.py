"""Gateway events: every signed webhook as it came, what became of it, and the way to have it handled again."""

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from billing import gateway_events
from billing.models import EventState, GatewayEvent, GatewaySlug
from panel.accounts.admin.asking import Question, ask, staff_of
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, detail_action, shown

COLORS = {
    EventState.WAITING: "info",
    EventState.DONE: "success",
    EventState.IGNORED: "",
    EventState.FAILED: "danger",
}


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    """Kept as they came; only whether they are handled again is up to staff."""

    list_display = ("event", "type", "object", "state_label", "attempts", "error", "deliveries", "received_at")
    list_filter = ("state", "type", "gateway")
    search_fields = ("event",)
    search_help_text = "Whole id of the event, or of the payment, refund or dispute that it is about"
    fieldsets = (
        ("Event", {"fields": (("event", "gateway"), ("type", "object"), ("created_at", "received_at"), "deliveries")}),
        ("Handling", {"fields": (("state", "handled_at"), ("attempts", "due_at"), "error")}),
    )
    act_permission = "billing.change_gatewayevent"
    actions_detail = ("replay",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[GatewayEvent], search_term: str
    ) -> tuple[QuerySet[GatewayEvent], bool]:
        """An event's id is answered by an index; an object's id is compared from the latest event on."""
        term = search_term.strip()
        if not term:
            return queryset, False
        same = queryset.filter(gateway__in=GatewaySlug.values, event=term)
        return (same if same.exists() else queryset.filter(Q(object=term))), False

    def panels(self, request: HttpRequest, obj: GatewayEvent) -> Sequence[Panel]:
        written = format_html('<pre class="overflow-x-auto whitespace-pre-wrap py-3">{}</pre>', _written(obj.payload))
        return [Panel("Payload as it came", (), [(written,)])]

    @shown(description="State", label=COLORS)
    def state_label(self, event: GatewayEvent) -> tuple[str, str]:
        return event.state, event.get_state_display()

    @detail_action(description="Replay…", permissions=["act"], icon="replay")
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        event: GatewayEvent = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            gateway_events.replay(event_id=event.pk, staff=staff_of(request), at=timezone.now())
            return f"{event} waits to be handled again, which the sweep does every {settings.MONEY_SWEEP_SECONDS:g} s."

        question = Question(
            title=f"Replay {event}",
            lead=f"{event.type}: {event.object} is read again at the gateway, and what it says is recorded. What was"
            " recorded before is not recorded twice.",
            submit="Replay",
            act=act,
            about=event,
            back=reverse("admin:billing_gatewayevent_change", args=[event.pk]),
        )
        return ask(self, request, question)


def _written(payload: str) -> str:
    """Indent a payload for reading; what is no JSON is shown as it is."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False, sort_keys=True)
    except ValueError:
        return payload
