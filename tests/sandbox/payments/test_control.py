import signal
import threading
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from panel.sandbox.http_server import Request
from panel.sandbox.payments import PaymentsSandbox, control
from tests.sandbox.payments.conftest import Opening
from tests.sandbox.processes import started


def test_everything_can_be_driven_over_http(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening, http: httpx.Client
) -> None:
    def post(path: str, **given: object) -> Any:
        answer = http.post(f"{sandbox.control_url}/{path}", json=given)
        assert (answer.status_code, answer.json()["ok"]) == (200, True), answer.text
        return answer.json()

    session = open_session()
    assert post(f"sessions/{session}", outcome="decline")["complete"] is False
    assert post(f"sessions/{session}", card="closed_card", amount_received=4900)["complete"] is True
    post(f"sessions/{open_session()}", outcome="expire")
    intent = post("payments", amount=7700, currency="usd")["payment_intent"]
    refund = post("refunds", payment_intent=intent, amount=700)["refund"]
    post(f"refunds/{refund}", status="failed", failure_reason="declined")
    dispute = post("disputes", payment_intent=intent, amount=500, reason="general", status="under_review")["dispute"]
    post(f"disputes/{dispute}", status="won")
    warning = post("early_fraud_warnings", payment_intent=intent)["early_fraud_warning"]
    event = post("events", type="charge.dispute.closed", object=dispute)["event"]
    post("balance", available=5)
    before = http.get(f"{sandbox.control_url}/clock").json()["clock"]
    post("clock", advance=60, days=2)
    post("settings", refund_outcome="pending", late_seconds=5, answer_ms=1)
    post("webhooks", mode="manual")
    other = post("payments", amount=100)["payment_intent"]
    waiting = http.get(f"{sandbox.control_url}/webhooks").json()["webhooks"]
    assert post(f"webhooks/{waiting[0]['id']}", deliver=2)["statuses"] == [0, 0]
    post(f"webhooks/{waiting[1]['id']}", drop=True)
    post("faults", kind="slow", seconds=1, times=3)

    assert 2 * 86400 + 60 <= http.get(f"{sandbox.control_url}/clock").json()["clock"] - before < 2 * 86400 + 70
    assert http.get(f"{sandbox.control_url}/balance").json() == {"balance": 5 + 100 - 33}
    assert [each["id"] for each in http.get(f"{sandbox.control_url}/refunds").json()["refunds"]] == [refund]
    assert api.v1.refunds.retrieve(refund).failure_reason == "declined"
    assert [each["status"] for each in http.get(f"{sandbox.control_url}/disputes").json()["disputes"]] == ["won"]
    assert [each["amount"] for each in sandbox.payments()] == [5000, 5000, 7700, 100]
    assert sandbox.payments()[-1]["payment_intent"] == other
    assert len(http.get(f"{sandbox.control_url}/webhooks").json()["webhooks"]) == len(waiting) - 1
    assert (warning[:6], event[:4]) == ("issfr_", "evt_")
    assert http.get(f"{sandbox.control_url}/faults").json()["faults"][0]["times_left"] == 2
    assert http.delete(f"{sandbox.control_url}/faults").json() == {"ok": True}
    post("reset")
    assert http.get(f"{sandbox.control_url}/payments").json() == {"payments": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "sessions/cs_test_none", '{"outcome": "pay"}', 404),
        ("POST", "refunds/re_none", '{"status": "failed"}', 404),
        ("POST", "disputes/du_none", '{"status": "won"}', 404),
        ("POST", "webhooks/evt_none", '{"deliver": 1}', 404),
        ("POST", "refunds", '{"payment_intent": "pi_none"}', 404),
        ("POST", "sessions/cs_test_none", '{"outcome": "vanish"}', 400),
        ("POST", "sessions/cs_test_none", '{"card": "gold"}', 400),
        ("POST", "sessions/cs_test_none", '{"amount_received": "5"}', 400),
        ("POST", "payments", '{"amount": 1.5}', 400),
        ("POST", "payments", '{"amount": true}', 400),
        ("POST", "refunds", '{"payment_intent": "pi_none", "metadata": {}}', 400),
        ("POST", "clock", '{"advance": -1}', 400),
        ("POST", "clock", '{"advance": NaN}', 400),
        ("POST", "settings", '{"refund_outcome": "maybe"}', 400),
        ("POST", "webhooks", '{"mode": "never"}', 400),
        ("POST", "faults", '{"kind": "earthquake"}', 400),
        ("POST", "faults", "{}", 400),
        ("POST", "balance", "[]", 400),
        ("POST", "balance", "{", 400),
        ("POST", "elsewhere", "{}", 404),
        ("POST", "sessions", "{}", 404),
        ("GET", "sessions", "", 404),
        ("GET", "refunds/re_none", "", 404),
        ("DELETE", "refunds", "", 404),
    ],
)
def test_refuses_what_makes_no_sense(
    sandbox: PaymentsSandbox, http: httpx.Client, method: str, path: str, body: str, status: int
) -> None:
    answer = http.request(method, f"{sandbox.control_url}/{path}", content=body)

    assert answer.status_code == status
    assert answer.json().keys() == {"error"}


@pytest.mark.parametrize(("caller", "status"), [("192.0.2.7", 403), ("::ffff:192.0.2.7", 403), ("::1", 200)])
def test_control_is_for_this_machine_only(sandbox: PaymentsSandbox, caller: str, status: int) -> None:
    request = Request("GET", "/_control/refunds", "", Message(), b"", caller, threading.Event())

    assert control.respond(sandbox, request).status == status


def test_everything_is_known_after_a_kill(tmp_path: Path, http: httpx.Client) -> None:
    arguments = ["--state", str(tmp_path / "deep" / "payments.sqlite3"), "--key", "sk_test_k"]
    form = {"amount": "2000", "metadata[leg]": "3"}
    headers = {"Authorization": "Bearer sk_test_k", "Idempotency-Key": "leg-3"}
    keyless = {"Authorization": headers["Authorization"]}
    intent, refunds, others, replayed, returned = "", [], [], [], []

    for sent in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with started("payments", *arguments) as (process, url):
            if not intent:
                made = http.post(f"{url}/_control/payments", json={"amount": 5000}).json()
                intent = made["payment_intent"]
                http.post(f"{url}/_control/clock", json={"days": 0.5})
            answer = http.post(f"{url}/v1/refunds", data={**form, "payment_intent": intent}, headers=headers)
            refunds.append(answer.json()["id"])
            data = {"payment_intent": intent, "amount": "1"}
            other = http.post(f"{url}/v1/refunds", data=data, headers=keyless)
            others.append(other.json()["id"])
            replayed.append(answer.headers.get("Idempotent-Replayed"))
            process.send_signal(sent)
            returned.append(process.wait(10))

    assert len(set(refunds)) == 1
    assert len({*refunds, *others}) == 4
    assert replayed == [None, "true", "true"]
    assert returned == [-signal.SIGKILL, 0, 0]
