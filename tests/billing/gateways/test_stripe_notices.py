"""Webhooks: only a fresh body, signed by Stripe, is read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from stripe import WebhookSignature

from billing.gateways.base import BadNotice
from billing.gateways.stripe import notices

SECRET = "whsec_of_the_tests"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "refund.failed",
    "created": 1_772_366_300,
    "data": {"object": {"id": "re_1", "object": "refund", "amount": 2000}},
}


def signed(payload: str, *, secret: str = SECRET, at: datetime = NOW) -> str:
    return str(WebhookSignature.generate_signature_header(payload, secret, timestamp=int(at.timestamp())))


def test_reads_the_ids_of_a_signed_event() -> None:
    payload = json.dumps(EVENT)

    with time_machine.travel(NOW, tick=False):
        notice = notices.read(payload.encode(), signed(payload), secret=SECRET)

    assert (notice.event, notice.type, notice.object) == ("evt_1", "refund.failed", "re_1")
    assert notice.created_at == datetime(2026, 3, 1, 11, 58, 20, tzinfo=UTC)
    assert notice.payload == payload


def test_reads_an_event_about_something_without_an_id() -> None:
    payload = json.dumps(EVENT | {"type": "balance.available", "data": {"object": {"object": "balance"}}})

    with time_machine.travel(NOW, tick=False):
        notice = notices.read(payload.encode(), signed(payload), secret=SECRET)

    assert (notice.type, notice.object) == ("balance.available", "")


def test_takes_either_signature_while_a_secret_is_being_changed() -> None:
    payload = json.dumps(EVENT)
    old = signed(payload, secret="whsec_old").partition(",")[2]

    with time_machine.travel(NOW, tick=False):
        notice = notices.read(payload.encode(), f"{signed(payload)},{old}", secret=SECRET)

    assert notice.event == "evt_1"


@pytest.mark.parametrize(("age", "accepted"), [(0, True), (300, True), (301, False), (86_400, False)])
def test_takes_no_signature_older_than_five_minutes(age: int, accepted: bool) -> None:  # noqa: FBT001 - the expectation
    payload = json.dumps(EVENT)
    signature = signed(payload, at=NOW - timedelta(seconds=age))

    with time_machine.travel(NOW, tick=False):
        if accepted:
            assert notices.read(payload.encode(), signature, secret=SECRET).event == "evt_1"
        else:
            with pytest.raises(BadNotice, match="too old"):
                notices.read(payload.encode(), signature, secret=SECRET)


GOOD = json.dumps(EVENT)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "nonsense",
        "t=,v1=",
        "t=1",
        "v1=abc",
        f"t={int(NOW.timestamp())}",
        f"t={int(NOW.timestamp())},v1=\u00e9",
        f"t={int(NOW.timestamp())},v0=" + signed(GOOD).rpartition("=")[2],
        f"t={'9' * 5000},v1=abc",
        signed(GOOD, secret="whsec_somebody_else"),
        signed(GOOD + " "),
        signed(GOOD).replace("t=", "t=1"),
    ],
)
def test_refuses_a_body_that_stripe_did_not_sign(signature: str) -> None:
    with time_machine.travel(NOW, tick=False), pytest.raises(BadNotice):
        notices.read(GOOD.encode(), signature, secret=SECRET)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        "null",
        "[]",
        '"evt_1"',
        "{}",
        "[" * 100_000,
        json.dumps(EVENT | {"id": None}),
        json.dumps(EVENT | {"id": "evt_\x00"}),
        json.dumps(EVENT | {"type": None}),
        json.dumps(EVENT | {"type": "t" * 101}),
        json.dumps(EVENT | {"created": "now"}),
        json.dumps(EVENT | {"created": 10**20}),
        json.dumps(EVENT | {"data": None}),
        json.dumps(EVENT | {"data": {"object": None}}),
        json.dumps(EVENT | {"data": {"object": {"id": 5}}}),
        json.dumps(EVENT | {"object": "v2.core.event"}),
    ],
)
def test_refuses_a_signed_body_that_can_not_be_read(payload: str) -> None:
    with time_machine.travel(NOW, tick=False), pytest.raises(BadNotice):
        notices.read(payload.encode(), signed(payload), secret=SECRET)


def test_refuses_a_body_that_is_not_text() -> None:
    with time_machine.travel(NOW, tick=False), pytest.raises(BadNotice, match="can't be read"):
        notices.read(b"\xff\xfe" + GOOD.encode(), signed(GOOD), secret=SECRET)


def test_believes_nobody_while_there_is_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with time_machine.travel(NOW, tick=False), pytest.raises(BadNotice, match="no secret"):
        notices.read(GOOD.encode(), signed(GOOD, secret=""), secret="")

    assert "STRIPE_WEBHOOK_SECRET is unset" in caplog.text
