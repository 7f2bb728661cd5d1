"""`make run` refuses what is not fit for customers, before it touches anything."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from panel.sandbox.payments import DEFAULT_KEY, DEFAULT_SECRET

PRODUCTION = {
    "ALLOWED_HOSTS": "panel.example.com",
    "SITE_URL": "https://panel.example.com",
    "EMAIL_URL": "smtp+tls://panel:password@mail.example.com:587",
    "REDIS_URL": "redis://redis.example.com/0",
    "DATABASE_URL": "postgresql://panel@database.example.com/panel",
}


def run(var: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**plain, **PRODUCTION, "SECRET_KEY": secrets.token_urlsafe(64), "VAR_DIR": str(var), **variables}
    command = [sys.executable, "-m", "panel.supervision.production"]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)


def test_refuses_the_keys_and_the_address_of_the_sandbox(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        STRIPE_SECRET_KEY=DEFAULT_KEY,
        STRIPE_WEBHOOK_SECRET=DEFAULT_SECRET,
        STRIPE_API_BASE="http://127.0.0.1:8902",
    )

    assert found.returncode == 1
    assert "check failed" in found.stderr
    assert "STRIPE_SECRET_KEY is not a live key" in found.stderr
    assert "STRIPE_API_BASE is on this machine or not https" in found.stderr
    assert "migrate" not in found.stderr


def test_refuses_to_be_a_sandbox(tmp_path: Path) -> None:
    found = run(tmp_path, SANDBOX="1")

    assert found.returncode == 1
    assert "SANDBOX must be unset" in found.stderr
