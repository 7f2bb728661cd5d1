"""Figures that no panel means are mistakes of the document, not errors in the middle of a withdrawal."""

from datetime import UTC, datetime, timedelta

import pytest

from refunds.policy import loader
from refunds.policy.loader import PolicyInvalid
from tests.refunds.policy.documents import minimal_with


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("hours = [24, 48]", "hours = [24, 8761]", "review.hours: 8761 is too large: at most 8760"),
        ("hours = [24, 48]", f"hours = [0, {10**18}]", f"review.hours: {10**18} is too large: at most 8760"),
        ("business_days = [3, 5]", "business_days = [3, 61]", "withdrawals.business_days: 61 is too large: at most 60"),
        ("response_hours = 24", "response_hours = 8761", "contact.response_hours: 8761 is too large: at most 8760"),
        ("updated = 2026-01-31", "updated = 1999-12-31", "updated: 1999-12-31 is not a date from 2000-01-01 to"),
        ("updated = 2026-01-31", "updated = 2101-01-01", "updated: 2101-01-01 is not a date from 2000-01-01 to"),
        ('minimum = "5.00"', f'minimum = "{10**15}"', "withdrawals.minimum: '1000000000000000' is not an amount"),
    ],
)
def test_refuses_what_is_out_of_bounds_and_says_them(old: str, new: str, problem: str) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(minimal_with(old, new), "shop.toml")

    assert len(refusal.value.problems) == 1
    assert problem in refusal.value.problems[0]
    assert refusal.value.lines == (minimal_with(old, new).split("\n").index(new) + 1,)


def test_keeps_what_is_just_within_them() -> None:
    policy = loader.loads(
        minimal_with("hours = [24, 48]", "hours = [8760, 8760]")
        .replace("business_days = [3, 5]", "business_days = [60, 60]")
        .replace("response_hours = 24", "response_hours = 8760")
        .replace("2026-01-31", "2100-12-31"),
        "shop.toml",
    )

    assert policy.withdrawals.business_days == (60, 60)
    assert (policy.review.hours, policy.contact.response_hours) == ((8760, 8760), 8760)
    assert datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=policy.review.hours[1]) > datetime(
        2026, 12, 31, tzinfo=UTC
    )
