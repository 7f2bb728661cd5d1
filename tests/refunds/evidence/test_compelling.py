"""Which earlier payments could serve as compelling evidence."""

from dataclasses import replace
from datetime import timedelta

import pytest

from refunds.evidence.pack import compelling
from refunds.evidence.pack.compelling import Compelling, Element, Made
from tests.factories.orders import AT

OPENED_AT = AT + timedelta(days=10)
DISPUTED = Made(
    number=9,
    paid_at=AT,
    undisputed=False,
    account=1,
    email="ada@example.com",
    method="fp_1",
    address="203.0.113.9",
    device="Firefox",
)


def made(number: int, *, days: float, **changed: object) -> Made:
    """Return a payment that was made so many days before the dispute."""
    paid_at = OPENED_AT - timedelta(days=days)
    return replace(DISPUTED, **{"number": number, "undisputed": True, "paid_at": paid_at, **changed})  # type: ignore[arg-type]


def find(*earlier: Made, reason_code: str = "10.4") -> Compelling:
    return compelling.find(DISPUTED, earlier, opened_at=OPENED_AT, reason_code=reason_code)


def test_two_earlier_payments_from_the_same_place_are_enough() -> None:
    found = find(made(1, days=200), made(2, days=150, device="Safari"))

    assert [(one.payment.number, one.serves) for one in found.candidates] == [(2, True), (1, True)]
    assert found.candidates[0].shared == (Element.ACCOUNT, Element.EMAIL, Element.METHOD, Element.ADDRESS)
    assert found.is_enough


def test_those_that_count_come_before_newer_ones_that_do_not() -> None:
    found = find(made(1, days=200), made(2, days=30), made(3, days=20))

    assert [(one.payment.number, one.serves) for one in found.candidates] == [(1, True), (3, False), (2, False)]


def test_one_is_not_enough() -> None:
    assert not find(made(1, days=200)).is_enough


def test_only_for_the_reason_that_the_rule_is_for() -> None:
    found = find(made(1, days=200), made(2, days=150), reason_code="13.1")

    assert (len(found.serving), found.applies, found.is_enough) == (2, False, False)


@pytest.mark.parametrize(
    ("days", "obstacle"),
    [
        (120, "not older than 120 days"),
        (120.001, ""),
        (365, ""),
        (365.001, "older than 365 days"),
    ],
)
def test_counts_the_days_before_the_dispute(days: float, obstacle: str) -> None:
    assert find(made(1, days=days)).candidates[0].obstacle == obstacle


@pytest.mark.parametrize(
    ("changed", "obstacle"),
    [
        ({"undisputed": False}, "disputed or warned about"),
        ({"method": "fp_2"}, "another payment method"),
        ({"method": ""}, "another payment method"),
        ({"address": "198.51.100.1", "device": ""}, "neither internet address nor device is the same"),
        ({"device": "", "account": 2, "email": "grace@example.com"}, "too little in common"),
    ],
)
def test_says_why_a_payment_can_not_serve(changed: dict[str, object], obstacle: str) -> None:
    assert find(made(1, days=200, **changed)).candidates[0].obstacle == obstacle


def test_what_is_not_known_matches_nothing() -> None:
    unknown = replace(DISPUTED, address="", device="")

    found = compelling.find(
        unknown, [made(1, days=200, address="", device="")], opened_at=OPENED_AT, reason_code="10.4"
    )

    assert found.candidates[0].shared == (Element.ACCOUNT, Element.EMAIL, Element.METHOD)
    assert not found.candidates[0].serves


def test_neither_itself_nor_later_ones() -> None:
    assert find(DISPUTED, made(8, days=1)).candidates == ()
