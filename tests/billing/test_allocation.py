"""Which deposits a withdrawal goes back to. People: Ada pays by card, Grace pays by card and by bank."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import allocation
from billing.allocation import Allocation, Part, Passed, Source, Why

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CENT = Decimal("0.01")
ZERO = Decimal(0)
MILLIONTHS = Decimal("0.000001")


def card(deposit_id: int, amount: str, *, days_ago: int) -> Source:
    return Source(
        deposit_id=deposit_id,
        gateway="stripe",
        paid_at=NOW - timedelta(days=days_ago),
        amount=Decimal(amount),
        refunded=ZERO,
        reserved=ZERO,
        disputed=ZERO,
        under_dispute=False,
        method_gone=False,
        refund_until=NOW + timedelta(days=180 - days_ago),
        smallest_unit=CENT,
    )


def test_pays_back_to_the_oldest_deposit_first_and_the_rest_to_the_next() -> None:
    adas = [card(3, "40", days_ago=1), card(1, "20", days_ago=30), card(2, "30", days_ago=9)]

    assert allocation.allocate(Decimal(35), adas, at=NOW) == Allocation(
        parts=(Part(1, "stripe", Decimal(20)), Part(2, "stripe", Decimal(15))), passed=(), unplaced=ZERO
    )


def test_takes_the_lower_number_first_when_two_were_paid_at_the_same_instant() -> None:
    adas = [card(8, "20", days_ago=3), card(7, "20", days_ago=3)]

    assert allocation.allocate(Decimal(5), adas, at=NOW).parts == (Part(7, "stripe", Decimal(5)),)


def test_offers_only_what_was_not_refunded_reserved_or_disputed() -> None:
    source = replace(card(1, "50", days_ago=3), refunded=Decimal(5), reserved=Decimal(10), disputed=Decimal(20))

    assert allocation.allocate(Decimal(40), [source], at=NOW) == Allocation(
        parts=(Part(1, "stripe", Decimal(15)),), passed=(), unplaced=Decimal(25)
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"under_dispute": True}, Why.DISPUTED),
        ({"method_gone": True}, Why.METHOD_GONE),
        ({"refund_until": NOW - timedelta(microseconds=1)}, Why.TOO_OLD),
        ({"refunded": Decimal("19.995")}, Why.USED_UP),
        ({"under_dispute": True, "method_gone": True}, Why.DISPUTED),
        ({"method_gone": True, "refund_until": NOW - timedelta(days=1)}, Why.METHOD_GONE),
    ],
)
def test_passes_over_a_deposit_that_cannot_give_and_says_why(changes: dict[str, object], why: Why) -> None:
    older = replace(card(1, "20", days_ago=30), **changes)  # type: ignore[arg-type] # fields of several types
    younger = card(2, "20", days_ago=3)

    found = allocation.allocate(Decimal(25), [older, younger], at=NOW)

    assert found.parts == (Part(2, "stripe", Decimal(20)),)
    assert found.passed == (Passed(1, older.remainder, why),)
    assert found.unplaced == Decimal(5)


def test_names_what_cannot_give_also_when_the_amount_finds_its_place() -> None:
    disputed = replace(card(2, "20", days_ago=3), under_dispute=True)

    found = allocation.allocate(Decimal(5), [card(1, "20", days_ago=30), disputed], at=NOW)

    assert found == Allocation((Part(1, "stripe", Decimal(5)),), (Passed(2, Decimal(20), Why.DISPUTED),), ZERO)


def test_does_not_mention_a_deposit_that_was_paid_back_in_full() -> None:
    spent = replace(card(1, "20", days_ago=30), refunded=Decimal(20), method_gone=True)

    assert allocation.allocate(Decimal(5), [spent], at=NOW) == Allocation((), (), Decimal(5))


def test_still_pays_back_at_the_last_instant_of_the_refund_window() -> None:
    source = replace(card(1, "20", days_ago=180), refund_until=NOW)

    assert allocation.allocate(Decimal(5), [source], at=NOW).unplaced == ZERO
    assert allocation.allocate(Decimal(5), [source], at=NOW + timedelta(seconds=1)).unplaced == Decimal(5)


def test_pays_back_a_very_old_deposit_when_the_gateway_sets_no_limit() -> None:
    source = replace(card(1, "20", days_ago=4000), refund_until=None)

    assert allocation.allocate(Decimal(20), [source], at=NOW).unplaced == ZERO


def test_leaves_fractions_of_the_smallest_unit_unplaced() -> None:
    found = allocation.allocate(Decimal("10.009999"), [card(1, "20", days_ago=3)], at=NOW)

    assert (found.parts, found.unplaced) == ((Part(1, "stripe", Decimal(10)),), Decimal("0.009999"))


def test_floors_each_part_of_its_own_when_remainders_end_in_fractions() -> None:
    graces = [card(1, "10.005", days_ago=9), card(2, "10.009", days_ago=3)]

    found = allocation.allocate(Decimal(20), graces, at=NOW)

    assert found.parts == (Part(1, "stripe", Decimal(10)), Part(2, "stripe", Decimal(10)))
    assert found.unplaced == ZERO


def test_pays_whole_yen() -> None:
    yen = replace(card(1, "5000", days_ago=9), smallest_unit=Decimal(1))

    found = allocation.allocate(Decimal("1999.99"), [yen], at=NOW)

    assert (found.parts, found.unplaced) == ((Part(1, "stripe", Decimal(1999)),), Decimal("0.99"))


def test_does_not_send_a_fraction_of_a_cent_to_a_younger_method_that_could_take_it() -> None:
    coin = replace(card(2, "20", days_ago=3), gateway="manual", smallest_unit=MILLIONTHS)

    found = allocation.allocate(Decimal("10.005"), [card(1, "20", days_ago=9), coin], at=NOW)

    assert (found.parts, found.unplaced) == ((Part(1, "stripe", Decimal(10)),), Decimal("0.005"))


def test_leaves_everything_unplaced_when_there_are_no_deposits() -> None:
    assert allocation.allocate(Decimal(5), [], at=NOW) == Allocation((), (), Decimal(5))


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "1.0000001"])
def test_refuses_an_amount_that_is_not_positive_money(amount: str) -> None:
    with pytest.raises(ValueError):
        allocation.allocate(Decimal(amount), [card(1, "20", days_ago=3)], at=NOW)


def test_refuses_a_deposit_that_comes_twice() -> None:
    source = card(1, "20", days_ago=3)

    with pytest.raises(ValueError, match="a deposit comes twice"):
        allocation.allocate(Decimal(30), [source, source], at=NOW)


@pytest.mark.parametrize("unit", ["0", "-0.01"])
def test_refuses_a_smallest_unit_that_is_not_positive(unit: str) -> None:
    source = replace(card(1, "20", days_ago=3), smallest_unit=Decimal(unit))

    with pytest.raises(ValueError, match="is no smallest unit"):
        allocation.allocate(Decimal(5), [source], at=NOW)


# --- Properties ------------------------------------------------------------

money = st.integers(0, 60_000_000).map(lambda millionths: millionths * MILLIONTHS)
asked = st.integers(1, 200_000_000).map(lambda millionths: millionths * MILLIONTHS)


@st.composite
def deposits(draw: st.DrawFn) -> list[Source]:
    return [
        Source(
            deposit_id=deposit_id,
            gateway=draw(st.sampled_from(["stripe", "manual"])),
            paid_at=NOW - timedelta(days=draw(st.integers(0, 6))),
            amount=sum((taken := [draw(money) for _ in range(3)]), draw(money)),
            refunded=taken[0],
            reserved=taken[1],
            disputed=taken[2],
            under_dispute=draw(st.integers(0, 4)) == 0,
            method_gone=draw(st.integers(0, 4)) == 0,
            refund_until=draw(st.sampled_from([None, NOW, NOW + timedelta(days=9), NOW - timedelta(seconds=1)])),
            smallest_unit=draw(st.sampled_from([CENT, CENT, Decimal(1), MILLIONTHS])),
        )
        for deposit_id in draw(st.lists(st.integers(1, 99), unique=True, max_size=6))
    ]


def able(source: Source) -> bool:
    """Say it again without the code under test."""
    closed = source.refund_until is not None and source.refund_until < NOW
    return not (source.under_dispute or source.method_gone or closed)


def given_by(found: Allocation) -> dict[int, Decimal]:
    return {part.deposit_id: part.amount for part in found.parts}


@given(amount=asked, sources=deposits())
def test_accounts_for_every_millionth(amount: Decimal, sources: list[Source]) -> None:
    found = allocation.allocate(amount, sources, at=NOW)

    assert sum((part.amount for part in found.parts), found.unplaced) == amount
    assert found.unplaced >= 0
    assert len(given_by(found)) == len(found.parts)


@given(amount=asked, sources=deposits())
def test_never_takes_more_than_a_deposit_has_left_and_only_whole_units(amount: Decimal, sources: list[Source]) -> None:
    parts = given_by(allocation.allocate(amount, sources, at=NOW))

    for source in sources:
        part = parts.get(source.deposit_id, ZERO)
        assert part <= source.amount - source.refunded - source.reserved - source.disputed
        assert part % source.smallest_unit == 0
    assert all(part > 0 for part in parts.values())


@given(amount=asked, sources=deposits())
def test_leaves_deposits_alone_that_cannot_give_and_names_them(amount: Decimal, sources: list[Source]) -> None:
    found = allocation.allocate(amount, sources, at=NOW)

    unable = {source.deposit_id for source in sources if not able(source)}
    named = {passed.deposit_id for passed in found.passed}
    assert not unable & set(given_by(found))
    assert named >= {source.deposit_id for source in sources if source.deposit_id in unable and source.remainder > 0}
    assert not named & set(given_by(found))


@given(amount=asked, sources=deposits(), seed=st.integers())
def test_gives_the_same_answer_in_whatever_order_deposits_come(
    amount: Decimal, sources: list[Source], seed: int
) -> None:
    shuffled = random.Random(seed).sample(sources, len(sources))  # noqa: S311 - a shuffle, no secret

    assert allocation.allocate(amount, shuffled, at=NOW) == allocation.allocate(amount, sources, at=NOW)


@given(amount=asked, sources=deposits())
def test_uses_a_younger_deposit_only_when_the_older_ones_are_used_up(amount: Decimal, sources: list[Source]) -> None:
    parts = given_by(allocation.allocate(amount, sources, at=NOW))

    line = sorted(filter(able, sources), key=lambda source: (source.paid_at, source.deposit_id))
    last = max((number for number, source in enumerate(line) if source.deposit_id in parts), default=0)
    assert all(source.remainder - parts.get(source.deposit_id, ZERO) < source.smallest_unit for source in line[:last])
    assert [source.deposit_id for source in line if source.deposit_id in parts] == list(parts)
    assert all(older.paid_at <= younger.paid_at for older, younger in pairwise(line))


@given(amount=asked, sources=deposits())
def test_leaves_nothing_unplaced_that_an_able_deposit_could_take(amount: Decimal, sources: list[Source]) -> None:
    found = allocation.allocate(amount, sources, at=NOW)

    parts = given_by(found)
    room = [s for s in sources if able(s) and s.remainder - parts.get(s.deposit_id, ZERO) >= s.smallest_unit]
    oldest = min(room, key=lambda source: (source.paid_at, source.deposit_id), default=None)
    assert oldest is None or found.unplaced < oldest.smallest_unit


def booked(sources: Sequence[Source], found: Allocation) -> list[Source]:
    """Return the deposits after the reservations of an allocation."""
    parts = given_by(found)
    return [replace(source, reserved=source.reserved + parts.get(source.deposit_id, ZERO)) for source in sources]


@given(first=asked, second=asked, sources=deposits())
def test_never_promises_the_same_money_to_two_withdrawals(
    first: Decimal, second: Decimal, sources: list[Source]
) -> None:
    once = allocation.allocate(first, sources, at=NOW)
    reserved = booked(sources, once)
    twice = booked(reserved, allocation.allocate(second, reserved, at=NOW))

    assert all(source.remainder >= 0 for source in twice)
    again = allocation.allocate(first, reserved, at=NOW)
    assert sum(given_by(again).values()) + sum(given_by(once).values()) <= sum(
        source.remainder for source in sources if able(source)
    )
