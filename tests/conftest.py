"""What every test stands on: a refund policy in force, the house's accounts, and books that balance afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from billing import chart
from billing.gateways import stripe
from panel.sandbox import payments as sandbox
from panel.sandbox.payments import PaymentsSandbox
from refunds import audit, publishing
from refunds.models import PolicyVersion

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def pytest_configure(config: pytest.Config) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # argon2 is slow on purpose
    config.addinivalue_line("markers", "broken_books: the test breaks the books on purpose, so they are not audited")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001 - wraps it
    """Add what a first start adds; it stays for the tests that run inside a transaction."""
    with django_db_blocker.unblock():
        publishing.publish_first(at=LONG_AGO)
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        # Processes that were killed on purpose leave sessions behind for a moment, and the database can't be dropped.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def sound_books(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give every database test its ground, and audit the ledger after it."""
    marker = request.node.get_closest_marker("django_db")
    fixtures = {"db", "transactional_db", "live_server", "client"} & set(request.fixturenames)
    if marker is None and not fixtures:
        yield
        return
    transactional = (marker is not None and marker.kwargs.get("transaction")) or fixtures & {
        "transactional_db",
        "live_server",
    }
    request.getfixturevalue("transactional_db" if transactional else "db")
    chart.open_house_accounts()  # a flush after a transactional test takes them away
    publishing.publish_first(at=LONG_AGO)
    if not transactional:
        connection.check_constraints()  # what was made just now has checks pending, and a test couldn't truncate it
    yield
    if request.node.get_closest_marker("broken_books") is None:
        assert not connection.needs_rollback, "the test left a broken transaction: use a savepoint around the error"
        assert audit.findings() == []


@pytest.fixture
def credit_only_policy(db: None) -> PolicyVersion:  # noqa: ARG001 - needs the database
    """Put the second shipped policy in force, for orders placed from now on in the test."""
    text = (Path(publishing.SHIPPED) / "panel-credit-only.toml").read_text(encoding="utf-8")
    return publishing.publish(text=text, source="panel-credit-only.toml", effective_from=LONG_AGO, at=LONG_AGO)


@pytest.fixture
def payments(settings: Settings) -> Iterator[PaymentsSandbox]:
    """Run a payments sandbox and point the panel to it.

    Its webhooks wait (`queued`) until the test lets them arrive at the panel's own address by `deliver`.
    """
    with sandbox.serving(webhook=_arrive) as running:
        running.set_webhooks("manual")
        settings.STRIPE_SECRET_KEY = running.key
        settings.STRIPE_WEBHOOK_SECRET = running.webhook_secret
        settings.STRIPE_API_BASE = running.url
        yield running
    stripe.close_gateways()


def _arrive(payload: bytes, signature: str) -> int:
    answer = Client().post(
        "/webhooks/stripe/", payload, content_type="application/json", headers={"stripe-signature": signature}
    )
    return answer.status_code
