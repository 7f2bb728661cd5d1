"""What no field of `add` takes: each is refused with a clear error, and nothing moves."""

import pytest

from orders.models import Service
from tests.orders.api_v2.panel_client import LINK, MALFORMED, Api, Books

BAD_LINK = {"error": "Bad link"}
BAD_SERVICE = {"error": "Incorrect service ID"}
TOO_FEW = {"error": "Quantity less than minimal 50"}
TOO_MANY = {"error": "Quantity more than maximum 10000"}

ARABIC_TEN = "\u0661\u0660"
NO_NUMBERS = [
    "",
    "undefined",
    "null",
    "abc",
    "1e9",
    "1E2",
    "NaN",
    "Infinity",
    "-Infinity",
    "0x64",
    "0b11",
    "100.0",
    "100,0",
    "1 000",
    "1_000",
    "+100",
    "--100",
    ARABIC_TEN,
    "\uff11\uff10\uff10",
    "100\x07",
    "1\x1f00",
    "100\u200b",
    "1" * 30,
    "1" * 50_000,
    "100;DROP TABLE orders_order",
    "{}",
    "%31",
]


@pytest.mark.parametrize("quantity", NO_NUMBERS)
def test_refuses_a_quantity_that_is_no_number(api: Api, reach: Service, books: Books, quantity: str) -> None:
    with books.untouched():
        assert api("add", service=reach.pk, link=LINK, quantity=quantity) == MALFORMED


def test_refuses_a_missing_quantity(api: Api, reach: Service, books: Books) -> None:
    with books.untouched():
        assert api("add", service=reach.pk, link=LINK) == MALFORMED


@pytest.mark.parametrize("quantity", ["49", "0", "-1", "-50", "-0", "00", "-99999999999999999999"])
def test_refuses_a_quantity_below_the_minimum(api: Api, reach: Service, books: Books, quantity: str) -> None:
    with books.untouched():
        assert api("add", service=reach.pk, link=LINK, quantity=quantity) == TOO_FEW


@pytest.mark.parametrize("quantity", ["10001", "1000000000", "9223372036854775808", "99999999999999999999"])
def test_refuses_a_quantity_above_the_maximum(api: Api, reach: Service, books: Books, quantity: str) -> None:
    with books.untouched():
        assert api("add", service=reach.pk, link=LINK, quantity=quantity) == TOO_MANY


@pytest.mark.parametrize("quantity", [" 100 ", "\t100\n", "0100", "00000000000000000100"])
def test_takes_a_quantity_with_blanks_or_zeros_around_it(api: Api, reach: Service, quantity: str) -> None:
    api("add", service=reach.pk, link=LINK, quantity=quantity)

    assert api("balance")["balance"] == "49.91"


@pytest.mark.parametrize(
    "service", [*NO_NUMBERS, "0", "-1", "999999", "9223372036854775807", "9223372036854775808", "9" * 19]
)
def test_refuses_an_unknown_service(api: Api, reach: Service, books: Books, service: str) -> None:
    assert reach.is_active

    with books.untouched():
        assert api("add", service=service, link=LINK, quantity=100) == BAD_SERVICE


def test_refuses_a_missing_service(api: Api, books: Books) -> None:
    with books.untouched():
        assert api("add", link=LINK, quantity=100) == BAD_SERVICE


@pytest.mark.parametrize(
    "link",
    [
        "",
        "undefined",
        "null",
        "abc",
        "example.com/launch",
        "//example.com/launch",
        "ftp://example.com/launch",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:///launch",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com/\x07",
        "https://example.com/a\nb",
        "https://example.com/\x1b[31m",
        "https://example.com/\x7f",
        "https://example.com/\u202egnp",
        "https://example.com/\u200b",
        "https://example.com/\u2028a",
        "https://example.com:99999999/",
        "https://[::1/",
        "https://example.com/" + "a" * 2000,
        "https://" + "a" * 300 + ".com/",
        "1e9",
        ARABIC_TEN,
    ],
)
def test_refuses_a_link_that_is_no_address(api: Api, reach: Service, books: Books, link: str) -> None:
    with books.untouched():
        assert api("add", service=reach.pk, link=link, quantity=100) == BAD_LINK


def test_refuses_a_missing_link(api: Api, reach: Service, spot: Service, books: Books) -> None:
    with books.untouched():
        assert api("add", service=reach.pk, quantity=100) == BAD_LINK
        assert api("add", service=spot.pk) == BAD_LINK


@pytest.mark.parametrize("name", ["action", "key", "service", "link", "quantity", "runs", "request_id", "comments"])
@pytest.mark.parametrize("unreadable", ["a\0b", "\0", "\ufffd"])
def test_refuses_unreadable_characters_in_every_parameter(
    api: Api, reach: Service, books: Books, name: str, unreadable: str
) -> None:
    given = {"service": reach.pk, "link": LINK, "quantity": 100}

    with books.untouched():
        assert _call(api, given, name, unreadable) == MALFORMED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("action", MALFORMED),
        ("key", {"error": "Invalid API key"}),
        ("service", BAD_SERVICE),
        ("link", BAD_LINK),
        ("quantity", MALFORMED),
        ("runs", MALFORMED),
        ("request_id", {"error": "A request_id has at most 100 printable characters"}),
    ],
)
@pytest.mark.parametrize("senseless", ["x" * 100_000, "x\x01y", "x\x1b[2Jy", "x\r\ny: z", "x\u2029y"])
def test_refuses_over_long_and_control_characters_in_every_parameter(
    api: Api, reach: Service, books: Books, name: str, expected: object, senseless: str
) -> None:
    given = {"service": reach.pk, "link": LINK, "quantity": 100}

    with books.untouched():
        assert _call(api, given, name, senseless) == expected


def _call(api: Api, given: dict[str, object], name: str, value: str) -> object:
    """Call `add` with one parameter replaced; `action` and `key` too."""
    if name == "action":
        return api(value, **given)
    if name == "key":
        return Api(api.client, value)("add", **given)
    return api("add", **{**given, name: value})
