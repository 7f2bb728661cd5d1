"""Lines of an order: what may come in, what it costs, and which field is named when it may not."""

from decimal import Decimal

import pytest

from orders import lines
from orders.lines import Line
from tests.factories import make_package, make_service

LINK = "https://example.com/launch"


@pytest.mark.parametrize(("text", "units"), [("1000", 1000), (" 7 ", 7), ("-1", -1), ("0", 0), ("007", 7)])
def test_reads_whole_numbers(text: str, units: int) -> None:
    assert lines.parse_quantity(text) == units


OTHER_SCRIPTS = ["\u0661\u0660", "\uff11\uff10", "\u00b2"]  # ten in Arabic and full-width digits, a raised two
NO_NUMBERS = ["", " ", "1e9", "NaN", "inf", "10.5", "1,000", "1_000", "0x10", "+5", "--1", "1 000", "9" * 21]


@pytest.mark.parametrize("text", [*NO_NUMBERS, *OTHER_SCRIPTS])
def test_refuses_what_is_no_whole_number_in_plain_digits(text: str) -> None:
    with pytest.raises(lines.BadQuantity) as refused:
        lines.parse_quantity(text)

    assert refused.value.field == "quantity"


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/launch",
        "http://example.com",
        "https://example.com/a?b=c&d=%20#e",
        "https://münchen.example/straße",
        "https://example.com/" + "a" * 1900,
    ],
)
def test_takes_web_addresses(link: str) -> None:
    assert lines.clean_link(f" {link}\n") == link


@pytest.mark.parametrize(
    "link",
    [
        "",
        "   ",
        "launch",
        "example.com/launch",
        "ftp://example.com/",
        "javascript:alert(1)",
        "https://",
        "https://example",
        "https://exa mple.com/",
        "https://example.com/a\x00b",
        "https://example.com/a\nb",
        "https://example.com/\u202egpj.exe",
        "https://example.com/\u200b",
        "https://example.com/\ud800",
        "https://example.com/" + "a" * 1990,
    ],
)
def test_refuses_links_that_lead_nowhere_or_hide_something(link: str) -> None:
    with pytest.raises(lines.BadLink) as refused:
        lines.clean_link(link)

    assert refused.value.field == "link"


@pytest.mark.parametrize(("text", "cleaned"), [("", ""), ("  ", ""), (" a-1 ", "a-1"), ("x" * 100, "x" * 100)])
def test_takes_a_request_id_of_up_to_a_hundred_characters(text: str, cleaned: str) -> None:
    assert lines.clean_request_id(text) == cleaned


@pytest.mark.parametrize("text", ["x" * 101, "a\x00b", "a\nb", "a\u200bb"])
def test_refuses_a_request_id_that_is_too_long_or_not_printable(text: str) -> None:
    with pytest.raises(lines.BadRequestId) as refused:
        lines.clean_request_id(text)

    assert refused.value.field == "request_id"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rate", "quantity", "charge"),
    [
        ("2.50", 1000, "2.500000"),
        ("0.9", 100, "0.090000"),
        ("0.0015", 333, "0.000500"),  # 0.0004995, half up
        ("0.0001", 15, "0.000002"),  # 0.0000015, half up
        ("3.333333", 1500, "5.000000"),
    ],
)
def test_charges_the_rate_per_thousand_half_up(rate: str, quantity: int, charge: str) -> None:
    service = make_service(rate=rate)

    (priced,) = lines.price([Line(service.pk, LINK, quantity)])

    assert (priced.charge, priced.quantity) == (Decimal(charge), quantity)


@pytest.mark.django_db
def test_refuses_a_quantity_whose_charge_rounds_to_nothing() -> None:
    service = make_service(rate="0.000499", min_quantity=1)

    with pytest.raises(lines.BadQuantity) as refused:
        lines.price([Line(service.pk, LINK, 1)])

    assert refused.value.field == "quantity"


@pytest.mark.django_db
@pytest.mark.parametrize("quantity", [None, 1, 5000, -3])
def test_charges_a_package_whole_whatever_quantity_is_asked(quantity: int | None) -> None:
    package = make_package(rate="49.00", units=1000)

    (priced,) = lines.price([Line(package.pk, LINK, quantity)])

    assert (priced.charge, priced.quantity) == (Decimal("49.000000"), 1000)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("quantity", "error"),
    [
        (None, lines.BadQuantity),
        (-1, lines.QuantityBelowMinimum),
        (0, lines.QuantityBelowMinimum),
        (9, lines.QuantityBelowMinimum),
        (100_001, lines.QuantityAboveMaximum),
        (10**19, lines.QuantityAboveMaximum),
    ],
)
def test_refuses_quantities_outside_of_the_limits(quantity: int | None, error: type[lines.BadLine]) -> None:
    service = make_service()

    with pytest.raises(error) as refused:
        lines.price([Line(service.pk, LINK, quantity)])

    assert refused.value.field == "quantity"


@pytest.mark.django_db
@pytest.mark.parametrize("number", [0, -1, 987_654, 2**63, -(2**63) - 1, 10**30])
def test_refuses_services_that_there_are_not(number: int) -> None:
    with pytest.raises(lines.UnknownService) as refused:
        lines.price([Line(number, LINK, 100)])

    assert refused.value.field == "service"


@pytest.mark.django_db
def test_refuses_services_that_are_not_sold_now() -> None:
    service = make_service(is_active=False)

    with pytest.raises(lines.UnknownService):
        lines.price([Line(service.pk, LINK, 100)])


@pytest.mark.django_db
@pytest.mark.parametrize("number", [0, 1001])
def test_refuses_no_lines_and_too_many(number: int) -> None:
    service = make_service()

    with pytest.raises(lines.BadLine):
        lines.price([Line(service.pk, LINK, 100)] * number)
