"""The calendar and the time zone that people's dates are counted in, read in a process of their own."""

import os
import subprocess
import sys

import pytest
import time_machine
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

READ = "import django; django.setup(); from django.conf import settings; print({})"


def read(expression: str, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {"BUSINESS_CALENDAR", "PANEL_TIME_ZONE"}
    environment = {key: value for key, value in os.environ.items() if key not in own}
    database = connection.settings_dict
    port = database["PORT"] or 5432  # the host as a parameter, because it may be a socket's directory
    address = f"postgresql://{database['USER']}@:{port}/{database['NAME']}?host={database['HOST']}"
    environment |= {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "panel.settings", **variables}
    command = [sys.executable, "-c", READ.format(expression)]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("BUSINESS_CALENDAR", "XX", "'XX' is no calendar: use a country such as US"),
        ("BUSINESS_CALENDAR", "US-ZZ", "'US-ZZ' is no calendar: US has no part 'ZZ'"),
        ("BUSINESS_CALENDAR", "", "'' is no calendar"),
        ("PANEL_TIME_ZONE", "Mars/Olympus", "'Mars/Olympus' is no time zone: use a name such as UTC or Europe/Berlin"),
        ("PANEL_TIME_ZONE", "America", "'America' is no time zone"),
        ("PANEL_TIME_ZONE", "../../etc/passwd", "'../../etc/passwd' is no time zone"),
        ("PANEL_TIME_ZONE", "", "'' is no time zone"),
    ],
)
def test_refuses_to_start_and_names_the_variable(name: str, value: str, sentence: str) -> None:
    started = read("settings.DEBUG", **{name: value})

    assert started.returncode != 0
    assert f"{name} makes no sense: {sentence}" in started.stderr.splitlines()[-1]


def test_counts_by_the_united_states_and_utc_unless_told_otherwise() -> None:
    assert read("settings.BUSINESS_CALENDAR, settings.TIME_ZONE").stdout.strip() == "US UTC"


def test_takes_calendar_and_time_zone_from_the_environment() -> None:
    found = read(
        "settings.BUSINESS_CALENDAR, settings.TIME_ZONE", BUSINESS_CALENDAR="DE-BY", PANEL_TIME_ZONE="Europe/Berlin"
    )

    assert found.stdout.strip() == "DE-BY Europe/Berlin"


@pytest.mark.django_db
def test_leaves_the_database_in_utc_when_the_panel_is_elsewhere() -> None:
    shown = "(lambda c: (c.execute('SHOW timezone'), c.fetchone())[1])(__import__('django.db').db.connection.cursor())"

    assert read(shown, PANEL_TIME_ZONE="Asia/Tokyo").stdout.strip() == "('UTC',)"


def test_warns_when_the_holidays_of_the_calendar_run_out(settings: Settings) -> None:
    settings.BUSINESS_CALENDAR = "US"

    with time_machine.travel("2100-06-01T12:00:00+00:00"):
        found = [(check.id, check.msg) for check in run_checks(tags=["makegood"])]

    assert found == [("makegood.W007", "BUSINESS_CALENDAR US knows no holidays after 2100")]


def test_says_nothing_while_next_year_s_holidays_are_known(settings: Settings) -> None:
    settings.BUSINESS_CALENDAR = "US"

    with time_machine.travel("2099-12-31T12:00:00+00:00"):
        assert run_checks(tags=["makegood"]) == []
