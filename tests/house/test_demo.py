"""`make demo` as a person runs it, in a directory and on a port of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from panel import embedded
from panel.demo import ground, supervisor
from panel.sandbox.payments import DEFAULT_KEY
from panel.supervision import traces

GIVEN = {"DATABASE_URL", "REDIS_URL", "TESTING", "DEBUG", "SECRET_KEY", "EMAIL_URL", "DJANGO_SETTINGS_MODULE"}


class Demo:
    """One place for demos; `start()` waits until the panel is open."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = ground.free_port()
        self.begun: list[subprocess.Popen[str]] = []

    def command(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        environment = {key: value for key, value in os.environ.items() if key not in GIVEN}
        environment |= {"VAR_DIR": str(self.var), "PORT": str(self.port), **variables}
        process = subprocess.Popen(
            [sys.executable, "-m", "panel.demo.supervisor", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.begun.append(process)
        return process

    def start(self) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = self.command()
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C stops everything" in line:
                break
        assert said, "the demo said nothing"
        assert "Ctrl-C stops everything" in said[-1], "".join(said)
        return process, json.loads((self.var / "demo.json").read_text())

    def is_gone(self, seconds: float = 20) -> bool:
        deadline = time.monotonic() + seconds
        while self.processes() or embedded.is_running(self.var):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def processes(self) -> list[object]:
        return [*traces.find(traces.PLACE, traces.place(ground.PURPOSE, self.var))]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    place = Demo(tmp_path / "var")
    yield place
    for process in place.begun:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    traces.remove(traces.PLACE, traces.place(ground.PURPOSE, place.var))
    embedded.drop(place.var)


def balance(told: dict[str, Any]) -> dict[str, str]:
    fields = {"key": told["customer"]["api_key"], "action": "balance"}
    answer: dict[str, str] = httpx.post(told["api_v2_url"], data=fields, timeout=20).raise_for_status().json()
    return answer


def payments_of(told: dict[str, Any]) -> list[str]:
    answer = httpx.get(f"{told['payments_url']}/_control/payments", timeout=20).raise_for_status().json()
    return [payment["id"] for payment in answer["payments"]]


def webhook_arrives(told: dict[str, Any]) -> bool:
    """Have the sandbox announce something anew, and wait until the panel has taken it."""
    instruction = {"type": "charge.updated", "object": payments_of(told)[0]}
    answer = httpx.post(f"{told['payments_url']}/_control/events", json=instruction, timeout=20).raise_for_status()
    address = f"{told['payments_url']}/v1/events/{answer.json()['event']}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        event = httpx.get(address, headers={"Authorization": f"Bearer {DEFAULT_KEY}"}, timeout=20).raise_for_status()
        if event.json()["pending_webhooks"] == 0:
            return True
        time.sleep(0.1)
    return False


def test_opens_leaves_nothing_when_killed_and_goes_on_with_the_same_data(demo: Demo) -> None:
    killed, before = demo.start()
    assert httpx.get(f"{before['base_url']}/readyz", timeout=20).status_code == 200
    assert balance(before)["currency"] == "USD"
    assert (demo.var / "demo.json").stat().st_mode & 0o077 == 0
    assert Path(before["mail_dir"]).is_dir()
    paid = payments_of(before)
    assert paid
    assert webhook_arrives(before)

    killed.kill()
    killed.communicate()

    assert demo.is_gone()
    stopped, after = demo.start()
    assert after["customer"] == before["customer"]
    assert after["staff"] == before["staff"]
    assert balance(after)["currency"] == "USD"
    assert payments_of(after) == paid
    stopped.send_signal(signal.SIGTERM)
    said, _ = stopped.communicate(timeout=40)
    assert stopped.returncode == 0
    assert "nothing is left running" in said
    assert demo.is_gone(0)
    dropped = demo.command("--reset")
    dropped.communicate(timeout=40)
    assert dropped.returncode == 0
    assert not (demo.var / "demo.json").exists()
    assert not (demo.var / "sandbox").exists()
    assert not (embedded.home(demo.var) / "postgres").exists()


def test_pays_at_the_sandbox_whatever_keys_are_set_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_of_a_real_shop")
    monkeypatch.setenv("STRIPE_SECRET_KEY_FILE", "/run/secrets/stripe")
    monkeypatch.setenv("STRIPE_API_BASE_FILE", "/run/secrets/base")
    monkeypatch.setenv("WITHDRAWAL_CANCEL_WINDOW", "60")

    found = supervisor.environment(port=8000, payments="http://127.0.0.1:8902", var=Path("/srv/var"))

    ours = {name: value for name, value in found.items() if name.startswith(("STRIPE_", "WITHDRAWAL_", "MONEY_"))}
    assert ours == {
        "STRIPE_SECRET_KEY": "sk_test_sandbox_makegood",
        "STRIPE_WEBHOOK_SECRET": "whsec_sandbox_makegood",
        "STRIPE_API_BASE": "http://127.0.0.1:8902",
        "WITHDRAWAL_CANCEL_WINDOW": "60",
        "MONEY_SWEEP_SECONDS": "2",
    }


def test_keeps_the_payments_of_each_database_apart(tmp_path: Path) -> None:
    files = [ground.payments_state(tmp_path, url) for url in (None, "postgresql:///one", "postgresql:///two")]

    assert len({*files}) == 3
    assert files[1] == ground.payments_state(tmp_path, "postgresql:///one")
    assert {file.parent for file in files} == {tmp_path / "sandbox"}


def test_says_that_the_port_is_taken_and_how_to_choose_another(demo: Demo) -> None:
    with socket.create_server((ground.HOST, demo.port)):
        process = demo.command()
        said, _ = process.communicate(timeout=40)

    assert process.returncode == 1
    assert f"Port {demo.port} is in use" in said
    assert "PORT=" in said
    assert demo.is_gone(0)


@pytest.mark.parametrize("port", ["eighty", "0", "65536", "-1", "٨٠"])
def test_refuses_a_port_that_is_none(demo: Demo, port: str) -> None:
    process = demo.command(PORT=port)
    said, _ = process.communicate(timeout=40)

    assert process.returncode == 1
    assert "PORT must be a number from 1 to 65535" in said


def test_refuses_a_second_demo_in_the_same_place(demo: Demo) -> None:
    with ground.claimed(demo.var):
        process = demo.command()
        said, _ = process.communicate(timeout=40)

    assert process.returncode == 1
    assert f"runs already, as process {os.getpid()}" in said


def test_does_not_drop_a_database_that_it_did_not_fill(demo: Demo) -> None:
    process = demo.command("--reset", DATABASE_URL="postgresql://panel@127.0.0.1/books_of_somebody")
    said, _ = process.communicate(timeout=40)

    assert process.returncode == 1
    assert "did not fill" in said
