"""What the system checks say about a configuration, by the ids that operators look up."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from panel import checks


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
    return settings


def ids() -> list[str | None]:
    return [found.id for found in run_checks(tags=["makegood"], include_deployment_checks=True)]


def test_finds_nothing_in_a_careful_configuration(production: Settings) -> None:
    assert production.SITE_URL == "https://panel.example.com"
    assert ids() == []
    checks.refuse_unsafe_start()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PANEL_CURRENCY", "usd", "makegood.E001"),
        ("PANEL_CURRENCY", "DOLLAR", "makegood.E001"),
        ("REFUND_POLICY", "no-such-policy", "makegood.E002"),
        ("ORDER_SETTLEMENT", "refunds.settlement.no_such_function", "makegood.E003"),
        ("ORDER_POLICY", "refunds.no_such_module", "makegood.E003"),
        ("SITE_URL", "https://panel.example.com/path", "makegood.E004"),
        ("ORDER_SUBMIT_DELAY", timedelta(seconds=-1), "makegood.E005"),
        ("ORDER_SWEEP_SECONDS", 0.0, "makegood.E005"),
        ("WITHDRAWAL_CANCEL_WINDOW", timedelta(seconds=-1), "makegood.E005"),
        ("MONEY_SWEEP_SECONDS", 0.5, "makegood.E005"),
        ("SANDBOX", True, "makegood.E006"),
        ("SECRET_KEY", "short", "makegood.E011"),
        ("SECRET_KEY", "sandbox-secret-key-for-demo-and-tests-only", "makegood.E011"),
        ("EMBEDDED_DATABASE", True, "makegood.E012"),
        ("REDIS_URL", "", "makegood.E013"),
        ("SITE_URL", "http://panel.example.com", "makegood.E014"),
        ("ALLOWED_HOSTS", ["*"], "makegood.E015"),
        ("ALLOWED_HOSTS", ["other.example.com"], "makegood.E015"),
        ("EMAIL_BACKEND", "panel.sandbox.mail.EmlBackend", "makegood.E016"),
        ("ALLAUTH_TRUSTED_PROXY_COUNT", 0, "makegood.W020"),
    ],
)
def test_finds_one_error_by_its_id(production: Settings, name: str, value: Any, expected: str) -> None:
    setattr(production, name, value)

    assert ids() == [expected]


def test_allows_the_embedded_database_and_broker_when_told_to(production: Settings) -> None:
    production.EMBEDDED_DATABASE = production.ALLOW_EMBEDDED = True
    production.REDIS_URL = ""

    assert ids() == []


def test_refuses_an_unsafe_production_start_and_names_each_variable(production: Settings) -> None:
    production.SECRET_KEY = "short"
    production.EMBEDDED_DATABASE = True

    with pytest.raises(ImproperlyConfigured) as refusal:
        checks.refuse_unsafe_start()

    assert "SECRET_KEY" in str(refusal.value)
    assert "DATABASE_URL" in str(refusal.value)


def test_lets_the_demo_start_with_sandbox_keys(production: Settings) -> None:
    production.SANDBOX = True
    production.SECRET_KEY = production.SANDBOX_SECRET_KEY
    production.SITE_URL = "http://127.0.0.1:8000"
    production.ALLOWED_HOSTS = ["127.0.0.1"]

    checks.refuse_unsafe_start()

    assert ids() == []
