"""Settings are read in a process of their own, as every start reads them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

READ = "import django; django.setup(); from django.conf import settings; print(settings.{})"
OWN = {
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "EMAIL_URL", "LOG_LEVEL", "TESTING", "SANDBOX", "DEBUG"),
    *("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "STRIPE_REFUND_DAYS", "GATEWAY_TIMEOUT"),
    *("DEPOSIT_MINIMUM", "DEPOSIT_MAXIMUM", "WITHDRAWAL_CANCEL_WINDOW", "MONEY_SWEEP_SECONDS", "METRICS_TOKEN"),
    *("BUSINESS_CALENDAR", "PANEL_TIME_ZONE", "PANEL_CURRENCY", "REFUND_POLICY", "SITE_URL", "ALLOWED_HOSTS"),
    *("SUPPORT_HOURS", "SUPPORT_ADDRESS", "STAFF_DIGEST_HOUR"),
}


def read(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key.removesuffix("_FILE") not in OWN}
    environment |= {"DJANGO_SETTINGS_MODULE": "panel.settings", **variables}
    command = [sys.executable, "-c", READ.format(name)]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("ORDER_SUBMIT_DELAY", "soon"),
        ("ORDER_SWEEP_SECONDS", "often"),
        ("PROVIDER_TIMEOUT", "1m"),
        ("LARGEST_ADJUSTMENT", "a lot"),
        ("LARGEST_ADJUSTMENT", "NaN"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_URL", "sqlite:///panel.db"),
        ("DATABASE_URL", "panel"),
        ("DATABASE_URL", "postgresql://panel@database:port/panel"),
        ("EMAIL_URL", "pigeon://loft"),
        ("WITHDRAWAL_CANCEL_WINDOW", "an hour"),
        ("MONEY_SWEEP_SECONDS", "often"),
    ],
)
def test_refuses_to_start_and_names_the_variable_when_a_value_makes_no_sense(name: str, value: str) -> None:
    started = read("DEBUG", **{name: value})

    assert started.returncode != 0
    assert f"{name} " in started.stderr.splitlines()[-1]


def test_reads_a_value_from_the_file_that_a_variable_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a-key-that-came-in-a-file-and-is-long-enough")

    assert read("SECRET_KEY", SECRET_KEY_FILE=str(secret)).stdout.strip() == secret.read_text()


def test_reads_addresses_of_several_lines_from_one_line_and_from_a_file(tmp_path: Path) -> None:
    written = tmp_path / "address"
    written.write_text("Makegood Ltd \n1 Main Street\n")

    assert read("SUPPORT_ADDRESS", SUPPORT_ADDRESS=r"Makegood Ltd\n 1 Main Street").stdout == (
        "Makegood Ltd\n1 Main Street\n"
    )
    assert read("SUPPORT_ADDRESS", SUPPORT_ADDRESS_FILE=str(written)).stdout == "Makegood Ltd\n1 Main Street\n"
    assert read("SUPPORT_HOURS").stdout == "\n"


def test_takes_the_database_address_from_a_file(tmp_path: Path) -> None:
    address = tmp_path / "address"
    address.write_text("postgresql://panel@database.example.com/books")

    assert read("DATABASES['default']['NAME']", DATABASE_URL_FILE=str(address)).stdout.strip() == "books"


def test_uses_the_folder_broker_and_the_embedded_database_when_nothing_is_given(tmp_path: Path) -> None:
    found = read("EMBEDDED_DATABASE, settings.CELERY_BROKER_TRANSPORT", VAR_DIR=str(tmp_path))

    assert found.stdout.strip() == "True panel.broker:Transport"


def test_uses_redis_for_queue_and_cache_when_it_is_given() -> None:
    found = read("CELERY_BROKER_URL, settings.CACHES['default']['LOCATION']", REDIS_URL="redis://127.0.0.1:6379/5")

    assert found.stdout.strip() == "redis://127.0.0.1:6379/5 redis://127.0.0.1:6379/5"


def test_the_staffs_morning_is_the_panels() -> None:
    shown = "CELERY_BEAT_SCHEDULE['staff-digest']['schedule'].hour, settings.CELERY_TIMEZONE"

    assert read(shown, PANEL_TIME_ZONE="Europe/Berlin").stdout == "{7} Europe/Berlin\n"
    assert read(shown, STAFF_DIGEST_HOUR="0").stdout == "{0} UTC\n"
    assert "STAFF_DIGEST_HOUR makes no sense" in read(shown, STAFF_DIGEST_HOUR="24").stderr
