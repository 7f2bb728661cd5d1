from datetime import UTC, datetime

import pytest

from panel.kernel import time_zones

WINTER = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "winter", "summer"),
    [
        ("UTC", "UTC", "UTC"),
        ("Europe/Berlin", "CET", "CEST"),
        ("America/New_York", "EST", "EDT"),
        ("America/Sao_Paulo", "UTC-03:00", "UTC-03:00"),
        ("Asia/Kathmandu", "UTC+05:45", "UTC+05:45"),
        ("Etc/GMT+5", "UTC-05:00", "UTC-05:00"),
    ],
)
def test_names_the_zone_by_letters_or_by_its_distance_from_utc(name: str, winter: str, summer: str) -> None:
    zone = time_zones.named(name)

    assert zone is not None
    assert [time_zones.mark(at.astimezone(zone)) for at in (WINTER, SUMMER)] == [winter, summer]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "Europe",
        "europe/berlin",
        "../../../etc/passwd",
        "/etc/passwd",
        "posix/Europe/Berlin",
        "localtime",
        "Factory",
        "Europe/Berlin\0",
        "Z" * 5000,
        "Zeitzone für Köln",
    ],
)
def test_what_is_no_zone_is_none(name: str) -> None:
    assert time_zones.named(name) is None


def test_knows_the_old_names_that_browsers_say() -> None:
    assert {"Asia/Calcutta", "Europe/Kiev", "UTC", "Etc/GMT-1"} <= time_zones.names()
    assert max(map(len, time_zones.names())) <= time_zones.LONGEST_NAME


def test_offers_places_by_area_in_alphabetical_order() -> None:
    areas = time_zones.by_area()

    assert "Europe/Berlin" in areas["Europe"]
    assert list(areas["Asia"]) == sorted(areas["Asia"])
    assert {name for places in areas.values() for name in places} < time_zones.names()
    assert time_zones.place("America/New_York") == "America/New York"
