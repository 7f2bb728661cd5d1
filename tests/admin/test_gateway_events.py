"""Gateway events, discrepancies and receipts: shown as they are, and only a replay changes anything."""

from datetime import timedelta

import pytest
import time_machine
from django.db.models import Model
from django.test import Client

from billing.models import EventState, GatewayEvent, Receipt
from panel.sandbox.payments import PaymentsSandbox
from panel.webhooks import handle_due
from tests.admin.furniture import make_discrepancy, make_event
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_staff, open_deposit, receive_by_hand

pytestmark = pytest.mark.django_db


def listed(client: Client, model: str, **query: object) -> list[Model]:
    return list(client.get(listing(model, **query)).context["cl"].result_list)


def test_writes_every_instant_the_same_way() -> None:
    event, client = make_event(EventState.FAILED), signed_in(make_staff())

    for address in (listing("billing_gatewayevent"), detail("billing_gatewayevent", event.pk)):
        assert f"{AT:%Y-%m-%d %H:%M:%S}" in text_of(client.get(address)), address


def test_replays_a_failed_event_and_the_next_sweep_handles_it(payments: PaymentsSandbox) -> None:
    deposit, client = open_deposit(make_customer()), signed_in(make_staff())
    payments.pay(deposit.reference or "")
    event = GatewayEvent.objects.create(
        gateway="stripe",
        event="evt_failed",
        type="checkout.session.completed",
        object=deposit.reference or "",
        payload="{}",
        created_at=AT,
        received_at=AT,
        waiting_since=AT,
        state=EventState.FAILED,
        attempts=9,
        error="No such session.",
    )
    address = action("billing_gatewayevent", "replay", event.pk)

    client.get(address)
    event.refresh_from_db()
    assert event.state == EventState.FAILED
    page = said(client, submit(client, address))

    event.refresh_from_db()
    assert (event.state, event.attempts) == (EventState.WAITING, 0)
    assert "evt_failed waits to be handled again, which the sweep does every 10 s." in page
    handle_due()
    deposit.refresh_from_db()
    event.refresh_from_db()
    assert (event.state, event.error, deposit.state) == (EventState.DONE, "", "paid")


def test_an_event_that_is_about_to_be_handled_is_not_replayed() -> None:
    client = signed_in(make_staff())
    event = make_event(EventState.DONE)
    address = action("billing_gatewayevent", "replay", event.pk)
    submit(client, address)

    again = submit(client, address)

    assert "This event is about to be handled already." in text_of(again)


def test_who_may_only_look_replays_nothing() -> None:
    event, client = make_event(EventState.FAILED), signed_in(clerk("billing.view_gatewayevent"))
    address = action("billing_gatewayevent", "replay", event.pk)

    assert "Replay" not in text_of(client.get(detail("billing_gatewayevent", event.pk)))
    assert client.post(address, {"_asked": "1"}).status_code == 403

    event.refresh_from_db()
    assert event.state == EventState.FAILED


@pytest.mark.parametrize("payload", ['{"status": "<script>alert(1)</script>"}', "<script>alert(1)</script>", ""])
def test_a_payload_is_shown_as_text(payload: str) -> None:
    event = GatewayEvent.objects.create(
        gateway="stripe",
        event="evt_1",
        type="refund.updated",
        object="re_1",
        payload=payload,
        created_at=AT,
        received_at=AT,
        waiting_since=AT,
        state=EventState.DONE,
    )

    page = text_of(signed_in(make_staff()).get(detail("billing_gatewayevent", event.pk)))

    assert "<script>alert" not in page
    assert ("&lt;script&gt;alert(1)" in page) == bool(payload)


def test_finds_events_by_their_id_and_by_what_they_are_about() -> None:
    first, second = make_event(EventState.DONE, 1), make_event(EventState.FAILED, 2)
    client = signed_in(make_staff())

    assert listed(client, "billing_gatewayevent", q=first.event) == [first]
    assert listed(client, "billing_gatewayevent", q="re_2") == [second]
    assert listed(client, "billing_gatewayevent", state__exact="failed") == [second]
    assert listed(client, "billing_gatewayevent") == [second, first]


def test_discrepancies_that_are_open_come_first() -> None:
    still, gone = make_discrepancy("re_1"), make_discrepancy("re_2", resolved_at=AT)
    client = signed_in(make_staff())

    assert listed(client, "billing_discrepancy") == [still]
    assert listed(client, "billing_discrepancy", show="resolved") == [gone]
    assert listed(client, "billing_discrepancy", show="all") == [gone, still]
    assert listed(client, "billing_discrepancy", problem__exact="missing_refund") == []
    assert listed(client, "billing_discrepancy", q="re_2") == [gone]


def test_receipts_are_found_by_the_banks_reference_or_their_number() -> None:
    deposit, _ = receive_by_hand(make_customer()), receive_by_hand(make_customer())
    receipt, client = Receipt.objects.get(deposit=deposit.pk), signed_in(make_staff())

    assert listed(client, "billing_receipt", q=receipt.reference) == [receipt]
    assert listed(client, "billing_receipt", q=receipt.pk) == [receipt]
    assert len(listed(client, "billing_receipt")) == 2


@time_machine.travel(AT + timedelta(days=2))
def test_nothing_that_is_done_makes_a_badge() -> None:
    make_event(EventState.DONE)
    make_discrepancy("re_1", resolved_at=AT)
    receive_by_hand(make_customer())

    page = signed_in(make_staff()).get("/admin/")

    items = [item for group in page.context["sidebar_navigation"] for item in group["items"]]
    assert [item["title"] for item in items if "badge" in item] == []
