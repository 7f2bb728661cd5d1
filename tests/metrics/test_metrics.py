"""What a monitoring system is told, and who may ask."""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from panel.kernel.metrics import Sample
from panel.notifications import metrics as outbox_metrics
from panel.notifications.models import Email, EmailState
from tests.factories import make_customer
from tests.notifications.letters import put, receipt

pytestmark = pytest.mark.django_db

OUTBOX = "panel.notifications.metrics.samples"
HERE = "tests.metrics.test_metrics"


def orders() -> Iterable[Sample]:
    return [
        Sample("makegood_odd", "Two of a kind.", number, {"state": name}) for name, number in (("a", 1), ('"\\\n', 2))
    ]


def more() -> Iterable[Sample]:
    return [Sample("makegood_odd", "Two of a kind.", 3, {"state": "c"})]


def broken() -> Iterator[Sample]:
    yield Sample("makegood_never", "What came before the fault is left out too.", 1)
    raise RuntimeError("the room is dark")


def scrape(**headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return all samples by name and labels, as Prometheus reads them."""
    response = Client().get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def value(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_tells_what_waits_in_the_outbox_and_what_failed(settings: Settings) -> None:
    settings.METRIC_SOURCES = [OUTBOX]
    maria, now = make_customer(), timezone.now()
    put(receipt(maria, 1), at=now - timedelta(hours=2))
    sending, sent, failed = put(receipt(maria, 2), receipt(maria, 3), receipt(maria, 4), at=now - timedelta(days=1))
    Email.objects.filter(pk=sending.pk).update(state=EmailState.SENDING, claimed_at=now)
    Email.objects.filter(pk=sent.pk).update(state=EmailState.SENT, due_at=None, sent_at=now)
    Email.objects.filter(pk=failed.pk).update(state=EmailState.FAILED, due_at=None, error="Refused.")

    found = scrape()

    assert value(found, "makegood_emails_pending") == 2
    assert value(found, "makegood_emails_failed") == 1
    assert value(found, "makegood_emails_oldest_pending_seconds") == pytest.approx(86_400, abs=60)
    assert value(found, "makegood_source_up", source=OUTBOX) == 1


def test_an_empty_outbox_has_no_age(settings: Settings) -> None:
    settings.METRIC_SOURCES = [OUTBOX]

    found = scrape()

    assert value(found, "makegood_emails_pending") == 0
    assert value(found, "makegood_emails_oldest_pending_seconds") == 0


def test_reads_the_outbox_in_two_queries_that_never_touch_what_was_sent(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    maria = make_customer()
    rows = put(*(receipt(maria, number) for number in range(300)))
    sent = [row.pk for row in rows[5:]]
    Email.objects.filter(pk__in=sent).update(state=EmailState.SENT, due_at=None, sent_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_email")

    with django_assert_num_queries(2) as queries:
        list(outbox_metrics.samples())

    plans = []
    for query in queries.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {query['sql']}")
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    assert "email_due" in plans[0]
    assert "email_failed" in plans[1]


def test_every_source_that_the_settings_name_answers_and_names_fit_together() -> None:
    found = scrape()

    up = {labels: number for (name, labels), number in found.items() if name == "makegood_source_up"}
    assert len(up) == len(configured.METRIC_SOURCES) > 0
    assert set(up.values()) == {1}
    assert all(name.startswith("makegood_") for name, _labels in found)


def test_a_source_that_fails_is_logged_and_told_and_the_others_answer(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.METRIC_SOURCES = [f"{HERE}.broken", f"{HERE}.nowhere", OUTBOX]

    with caplog.at_level(logging.ERROR):
        found = scrape()

    assert value(found, "makegood_source_up", source=f"{HERE}.broken") == 0
    assert value(found, "makegood_source_up", source=f"{HERE}.nowhere") == 0
    assert value(found, "makegood_source_up", source=OUTBOX) == 1
    assert value(found, "makegood_emails_pending") == 0
    assert not any(name == "makegood_never" for name, _labels in found)
    assert "metric_source_failed" in caplog.text
    assert "the room is dark" in caplog.text


def test_samples_of_one_name_from_two_sources_are_one_metric_with_labels_kept_as_they_are(settings: Settings) -> None:
    settings.METRIC_SOURCES = [f"{HERE}.orders", f"{HERE}.more"]

    response = Client().get("/metrics")
    found = scrape()

    assert response.content.decode().count("# HELP makegood_odd ") == 1
    assert [value(found, "makegood_odd", state=state) for state in ("a", '"\\\n', "c")] == [1, 2, 3]


def test_the_number_of_queries_does_not_grow_with_the_rows() -> None:
    maria = make_customer()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            scrape()
        return len(captured)

    before = queries()
    put(*(receipt(maria, number) for number in range(100)))

    assert queries() == before


@pytest.mark.parametrize("switch", ["SANDBOX", "DEBUG", "TESTING"])
def test_open_without_a_token_outside_of_production(settings: Settings, switch: str) -> None:
    settings.SANDBOX = settings.DEBUG = settings.TESTING = False
    setattr(settings, switch, True)

    assert Client().get("/metrics").status_code == 200


def test_not_there_in_production_without_a_token(settings: Settings) -> None:
    settings.SANDBOX = settings.DEBUG = settings.TESTING = False

    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("production", [True, False])
@pytest.mark.parametrize(
    "shown",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer s3cret!", "Bearer \u00ff"],
)
def test_refuses_everybody_without_the_token(settings: Settings, shown: str | None, production: bool) -> None:  # noqa: FBT001 - a parameter of the test
    settings.METRICS_TOKEN = "s3cret"
    if production:
        settings.SANDBOX = settings.DEBUG = settings.TESTING = False

    response = Client().get("/metrics", headers={} if shown is None else {"Authorization": shown})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert b"makegood" not in response.content


def test_answers_whoever_shows_the_token(settings: Settings) -> None:
    settings.METRICS_TOKEN = "s3cret"
    settings.SANDBOX = settings.DEBUG = settings.TESTING = False

    assert value(scrape(Authorization="Bearer s3cret"), "makegood_emails_pending") == 0
    assert value(scrape(Authorization="bearer s3cret"), "makegood_emails_pending") == 0


def test_is_never_cached_and_only_read() -> None:
    assert "no-cache" in Client().get("/metrics")["Cache-Control"]
    assert Client().post("/metrics").status_code == 405
