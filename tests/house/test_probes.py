"""What a load balancer is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from panel import probes
from refunds.models import PolicyVersion

TEXT = (Path(__file__).resolve().parents[2] / "refunds" / "policies" / "money-back-guarantee.toml").read_text()


def publish(effective_from: datetime) -> None:
    PolicyVersion.objects.create(
        slug="money-back-guarantee",
        number=1,
        title="Money back",
        text=TEXT,
        hash="0" * 64,
        effective_from=effective_from,
    )


@pytest.mark.django_db
def test_process_is_alive_without_a_query(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_when_database_migrations_policy_and_broker_are(client: Client) -> None:
    response = client.get("/readyz")

    assert response.json() == {
        "status": "ready",
        "parts": {name: {"ok": True, "reason": ""} for name in ("database", "migrations", "policy", "broker")},
    }
    assert response.status_code == 200


@pytest.mark.django_db
def test_not_ready_while_no_policy_is_in_force() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE refunds_policyversion CASCADE")
    publish(datetime.now(UTC) + timedelta(days=1))

    response = probes.readyz(RequestFactory().get("/readyz"))

    assert response.status_code == 503
    assert b"no refund policy is in force" in response.content


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'refunds' AND name LIKE '0001%'")

    response = probes.readyz(RequestFactory().get("/readyz"))

    assert response.status_code == 503
    assert b"not applied: refunds.0001" in response.content


@pytest.mark.django_db
def test_not_ready_while_redis_does_not_answer(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    response = probes.readyz(RequestFactory().get("/readyz"))

    assert response.status_code == 503
    assert b"Redis does not answer" in response.content
