"""What the system checks say about keys, addresses and limits of payments."""

import os
import secrets
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

READ = "import django; django.setup(); from django.conf import settings; print(repr(settings.{}))"


@pytest.fixture
def production(settings: Settings) -> Settings:
    """A configuration that a careful operator would have."""
    settings.DEBUG = settings.TESTING = settings.SANDBOX = False
    settings.SECRET_KEY = secrets.token_urlsafe(64)
    settings.EMBEDDED_DATABASE = settings.ALLOW_EMBEDDED = False
    settings.REDIS_URL = "redis://redis.example.com/0"
    settings.SITE_URL = "https://panel.example.com"
    settings.ALLOWED_HOSTS = ["panel.example.com"]
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.STRIPE_SECRET_KEY = "sk_live_of_a_shop"
    settings.STRIPE_WEBHOOK_SECRET = "whsec_of_a_shop"
    settings.STRIPE_API_BASE = ""
    return settings


def found() -> list[tuple[str | None, str]]:
    checked = run_checks(tags=["makegood"], include_deployment_checks=True)
    return [(message.id, message.msg.partition(" ")[0]) for message in checked]


def test_finds_nothing_in_a_careful_configuration(production: Settings) -> None:
    assert found() == []

    production.STRIPE_API_BASE = "https://stripe.example.com:8443"
    production.STRIPE_SECRET_KEY = "rk_live_of_a_shop"
    assert found() == []


def test_lets_a_panel_start_without_stripe(production: Settings) -> None:
    production.STRIPE_SECRET_KEY = production.STRIPE_WEBHOOK_SECRET = ""

    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("DEPOSIT_MINIMUM", Decimal("5.001"), 8),
        ("DEPOSIT_MAXIMUM", Decimal("99.999"), 8),
        ("DEPOSIT_MINIMUM", Decimal(10_001), 8),
        ("STRIPE_API_BASE", "stripe.example.com", 9),
        ("STRIPE_API_BASE", "https://stripe.example.com/v1", 9),
        ("STRIPE_API_BASE", "https://user:password@stripe.example.com", 9),
        ("STRIPE_API_BASE", "https://", 9),
        ("STRIPE_API_BASE", "https://[stripe", 9),
        ("STRIPE_API_BASE", "https://stripe.example.com:port", 9),
        ("STRIPE_API_BASE", "ftp://stripe.example.com", 9),
        ("STRIPE_WEBHOOK_SECRET", "sk_live_of_a_shop", 10),
    ],
)
def test_finds_a_value_that_makes_no_sense_anywhere(settings: Settings, name: str, value: Any, number: int) -> None:
    setattr(settings, name, value)

    assert found() == [(f"makegood.E{number:03}", name)]


@pytest.mark.parametrize("key", ["pk_live_of_a_shop", "sk_live_with a space", "sk_live_\u00e9", "a key"])
def test_finds_what_is_no_secret_key_and_does_not_repeat_it(settings: Settings, key: str) -> None:
    settings.STRIPE_SECRET_KEY = key

    (message,) = run_checks(tags=["makegood"])

    assert message.id == "makegood.E010"
    assert key not in str(message)


@pytest.mark.parametrize(
    ("name", "value", "number", "named"),
    [
        ("STRIPE_SECRET_KEY", "sk_test_sandbox_makegood", 17, "STRIPE_SECRET_KEY"),
        ("STRIPE_SECRET_KEY", "rk_test_of_a_shop", 17, "STRIPE_SECRET_KEY"),
        ("STRIPE_SECRET_KEY", "sk_of_a_shop", 17, "STRIPE_SECRET_KEY"),
        ("STRIPE_API_BASE", "http://127.0.0.1:8100", 18, "STRIPE_API_BASE"),
        ("STRIPE_API_BASE", "https://127.0.0.2", 18, "STRIPE_API_BASE"),
        ("STRIPE_API_BASE", "https://[::1]:8100", 18, "STRIPE_API_BASE"),
        ("STRIPE_API_BASE", "https://0.0.0.0", 18, "STRIPE_API_BASE"),
        ("STRIPE_API_BASE", "https://localhost", 18, "STRIPE_API_BASE"),
        ("STRIPE_API_BASE", "http://stripe.example.com", 18, "STRIPE_API_BASE"),
        ("STRIPE_WEBHOOK_SECRET", "", 19, "STRIPE_SECRET_KEY"),
    ],
)
def test_finds_what_is_dangerous_in_production_only(
    production: Settings, name: str, value: str, number: int, named: str
) -> None:
    setattr(production, name, value)
    assert found() == [(f"makegood.E{number:03}", named)]

    production.TESTING = True
    assert found() == []


def read(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Read a setting in a process of its own, as every start reads it."""
    own = ("STRIPE_", "DEPOSIT_", "GATEWAY_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    environment |= {"DJANGO_SETTINGS_MODULE": "panel.settings", **variables}
    command = [sys.executable, "-c", READ.format(name)]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_TIMEOUT", "soon"),
        ("GATEWAY_TIMEOUT", "0"),
        ("GATEWAY_TIMEOUT", "601"),
        ("STRIPE_REFUND_DAYS", "0"),
        ("STRIPE_REFUND_DAYS", "99999999999999"),
        ("DEPOSIT_MINIMUM", "-5"),
        ("DEPOSIT_MAXIMUM", "a lot"),
    ],
)
def test_refuses_to_start_and_names_the_variable_when_a_value_makes_no_sense(name: str, value: str) -> None:
    started = read("DEBUG", **{name: value})

    assert started.returncode != 0
    assert f"{name} makes no sense" in started.stderr.splitlines()[-1]


def test_reads_keys_from_files_without_their_last_line_break(tmp_path: Path) -> None:
    key, secret = tmp_path / "key", tmp_path / "secret"
    key.write_text("sk_live_in_a_file\n")
    secret.write_text("whsec_in_a_file\r\n")

    assert read("STRIPE_SECRET_KEY", STRIPE_SECRET_KEY_FILE=str(key)).stdout.strip() == "'sk_live_in_a_file'"
    assert read("STRIPE_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET_FILE=str(secret)).stdout.strip() == "'whsec_in_a_file'"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("STRIPE_REFUND_WINDOW", {"STRIPE_REFUND_DAYS": "90"}, timedelta(days=90)),
        ("STRIPE_REFUND_WINDOW", {}, timedelta(days=180)),
        ("GATEWAY_TIMEOUT", {"GATEWAY_TIMEOUT": "30"}, timedelta(seconds=30)),
        ("STRIPE_API_BASE", {"STRIPE_API_BASE": "https://stripe.example.com/"}, "https://stripe.example.com"),
        ("DEPOSIT_MINIMUM", {}, Decimal(5)),
    ],
)
def test_reads_what_an_operator_sets(name: str, value: dict[str, str], expected: Any) -> None:
    assert read(name, **value).stdout.strip() == repr(expected)
