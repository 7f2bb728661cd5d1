from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.policy import abuse
from refunds.policy.abuse import Counts, Measure, MeasureInvalid
from refunds.policy.document import Abuse

RULES = Abuse(
    window_days=90,
    rate_percent=40,
    rate_least=5,
    same_link=3,
    soon_hours=24,
    soon_claims=4,
    title="Too many requests",
    text="We count requests.",
    passage="notebook, page 9",
)


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    requests = draw(st.integers(1, 60))
    part = st.integers(0, requests)
    return Counts(draw(st.integers(0, 200)), requests, draw(part), draw(part))


rules = st.builds(
    replace,
    st.just(RULES),
    rate_percent=st.integers(1, 100),
    rate_least=st.integers(2, 60),
    same_link=st.integers(2, 60),
    soon_claims=st.integers(2, 60),
)


def measures(which: Abuse, found: Counts) -> list[Measure]:
    return [reason.measure for reason in abuse.reasons(which, found)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Counts(orders=12, requests=4, on_link=2, soon=3), []),
        (Counts(orders=12, requests=5, on_link=1, soon=0), [Measure.RATE]),  # 41.7 %
        (Counts(orders=13, requests=5, on_link=1, soon=0), []),  # 38.5 %
        (Counts(orders=15, requests=6, on_link=1, soon=0), [Measure.RATE]),  # 40 % exactly
        (Counts(orders=1001, requests=400, on_link=1, soon=0), []),  # 39.96 %
        (Counts(orders=1, requests=4, on_link=1, soon=0), []),  # 400 %, but too few to tell
        (Counts(orders=0, requests=5, on_link=1, soon=0), [Measure.RATE]),
        (Counts(orders=500, requests=3, on_link=3, soon=0), [Measure.SAME_LINK]),
        (Counts(orders=500, requests=4, on_link=0, soon=4), [Measure.SOON]),
        (Counts(orders=9, requests=9, on_link=9, soon=9), [Measure.RATE, Measure.SAME_LINK, Measure.SOON]),
    ],
)
def test_flags_at_the_limit_and_not_below(found: Counts, expected: list[Measure]) -> None:
    assert measures(RULES, found) == expected


@given(rules, st.integers(0, 200))
def test_nothing_is_too_much_about_a_first_request(which: Abuse, orders: int) -> None:
    assert measures(which, Counts(orders, requests=1, on_link=1, soon=1)) == []


@given(rules, counts())
def test_each_measure_speaks_exactly_from_its_limit_on(which: Abuse, found: Counts) -> None:
    often = found.requests >= which.rate_least and (
        found.orders == 0 or found.requests / found.orders >= which.rate_percent / 100
    )

    expected = [
        measure
        for measure, reached in (
            (Measure.RATE, often),
            (Measure.SAME_LINK, found.on_link >= which.same_link),
            (Measure.SOON, found.soon >= which.soon_claims),
        )
        if reached
    ]
    assert measures(which, found) == expected


@given(rules, counts(), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_more_requests_never_give_fewer_reasons(
    which: Abuse, found: Counts, more: int, on_link: int, soon: int
) -> None:
    requests = found.requests + more
    worse = Counts(found.orders, requests, min(found.on_link + on_link, requests), min(found.soon + soon, requests))

    assert set(measures(which, found)) <= set(measures(which, worse))


@given(rules, counts(), st.integers(0, 100))
def test_more_orders_never_give_more_reasons(which: Abuse, found: Counts, more: int) -> None:
    better = replace(found, orders=found.orders + more)

    assert set(measures(which, better)) <= set(measures(which, found))


@given(rules, counts())
def test_what_was_counted_is_never_below_the_limit(which: Abuse, found: Counts) -> None:
    reasons = abuse.reasons(which, found)

    assert all(reason.counted >= reason.limit for reason in reasons)


def test_says_to_staff_what_was_counted_and_what_the_limit_is() -> None:
    reasons = abuse.reasons(RULES, Counts(orders=12, requests=7, on_link=3, soon=4))

    assert [reason.sentence for reason in reasons] == [
        "7 refund requests for 12 orders in 90 days: 58 %, the policy's limit is 40 %",
        "3 refund requests for the same link in 90 days; the policy's limit is 3",
        "4 refund requests in 90 days came within 24 hours of the order's completion; the policy's limit is 4",
    ]
    assert [(reason.counted, reason.limit) for reason in reasons] == [(58, 40), (3, 3), (4, 4)]


def test_says_it_for_one_and_for_none() -> None:
    daily = replace(RULES, window_days=1, soon_hours=1, same_link=99)

    (one, soon) = abuse.reasons(daily, Counts(orders=1, requests=5, on_link=1, soon=5))
    (none,) = abuse.reasons(daily, Counts(orders=0, requests=5, on_link=1, soon=0))

    assert one.sentence == "5 refund requests for 1 order in a day: 500 %, the policy's limit is 40 %"
    assert soon.sentence == (
        "5 refund requests in a day came within an hour of the order's completion; the policy's limit is 4"
    )
    assert none.sentence == "5 refund requests and no order in a day"


@pytest.mark.parametrize(
    "wrong", [(-1, 1, 1, 0), (3, 0, 0, 0), (3, 2, 3, 0), (3, 2, 1, 3), (3, 2, -1, 0), (3, 2, 1, -1)]
)
def test_refuses_counts_that_cannot_be(wrong: tuple[int, int, int, int]) -> None:
    with pytest.raises(MeasureInvalid, match="no part of them larger than all of them"):
        Counts(*wrong)
