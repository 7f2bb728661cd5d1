from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from orders.models import vocabulary as orders_vocabulary
from refunds.policy import facts as policy_facts
from refunds.policy.facts import (
    VOCABULARY,
    Amounts,
    Cause,
    Delivery,
    Facts,
    FactsInvalid,
    Initiator,
    Refill,
    SinceFinal,
    SincePlaced,
    Status,
    delivery_of,
    hours_since_final,
    since_final,
    since_placed,
)
from refunds.policy.space import can_be, space

SOME = Facts(Status.PARTIAL, Delivery.SOME, Cause.DROPPED, Initiator.CUSTOMER, hours_since_final=1)


def test_vocabulary_lists_the_facts_in_the_order_of_the_dataclass() -> None:
    own = ["hours_since_final" if fact == "since_final" else fact for fact in VOCABULARY]

    assert list(Facts.__dataclass_fields__) == [*own, "service", "category"]


@pytest.mark.parametrize(
    ("fact", "choices"),
    [
        ("status", orders_vocabulary.OrderStatus),
        ("cause", orders_vocabulary.Cause),
        ("initiator", orders_vocabulary.Initiator),
        ("terms", orders_vocabulary.Terms),
    ],
)
def test_vocabulary_says_the_same_words_as_orders(fact: str, choices: Any) -> None:
    assert [str(value) for value in VOCABULARY[fact]] == list(choices.values)


def test_facts_survive_storage_for_every_combination() -> None:
    for facts in space():
        assert Facts.from_dict(facts.as_dict()) == facts


def test_stored_facts_are_plain_strings() -> None:
    assert SOME.as_dict() == {
        "status": "partial",
        "delivery": "some",
        "cause": "dropped",
        "initiator": "customer",
        "terms": "standard",
        "standing": "clear",
        "since_placed": "within_hour",
        "since_final": "within_day",
        "refill": "not_offered",
        "hours_since_final": "1",
        "service": "0",
        "category": "0",
    }
    assert all(type(value) is str for value in SOME.as_dict().values())


def test_refuses_stored_facts_with_one_missing() -> None:
    stored = SOME.as_dict()
    del stored["terms"]

    with pytest.raises(FactsInvalid, match="missing or unknown: terms"):
        Facts.from_dict(stored)


def test_refuses_stored_facts_with_a_stranger() -> None:
    with pytest.raises(FactsInvalid, match="missing or unknown: mood"):
        Facts.from_dict({**SOME.as_dict(), "mood": "good"})


def test_refuses_stored_facts_with_a_value_outside_of_the_vocabulary() -> None:
    with pytest.raises(FactsInvalid, match="'dropt'"):
        Facts.from_dict({**SOME.as_dict(), "cause": "dropt"})


@pytest.mark.parametrize(
    ("remains", "delivery"),
    [(1000, Delivery.NONE), (999, Delivery.SOME), (1, Delivery.SOME), (0, Delivery.ALL)],
)
def test_delivery_follows_from_remains(remains: int, delivery: Delivery) -> None:
    assert delivery_of(1000, remains) is delivery


@pytest.mark.parametrize(("quantity", "remains"), [(0, 0), (-1, 0), (10, 11), (10, -1)])
def test_refuses_a_delivery_that_can_not_be(quantity: int, remains: int) -> None:
    with pytest.raises(FactsInvalid):
        delivery_of(quantity, remains)


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        (timedelta(seconds=-3), SincePlaced.WITHIN_HOUR),
        (timedelta(0), SincePlaced.WITHIN_HOUR),
        (timedelta(hours=1), SincePlaced.WITHIN_HOUR),
        (timedelta(hours=1, microseconds=1), SincePlaced.WITHIN_DAY),
        (timedelta(days=1), SincePlaced.WITHIN_DAY),
        (timedelta(days=1, microseconds=1), SincePlaced.WITHIN_MONTH),
        (timedelta(days=30), SincePlaced.WITHIN_MONTH),
        (timedelta(days=30, microseconds=1), SincePlaced.OLDER),
    ],
)
def test_an_age_on_the_boundary_counts_as_the_younger(age: timedelta, bucket: SincePlaced) -> None:
    assert since_placed(age) is bucket


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        (None, SinceFinal.NOT_FINAL),
        (timedelta(0), SinceFinal.WITHIN_DAY),
        (timedelta(days=1), SinceFinal.WITHIN_DAY),
        (timedelta(days=1, microseconds=1), SinceFinal.WITHIN_MONTH),
        (timedelta(days=30), SinceFinal.WITHIN_MONTH),
        (timedelta(days=30, microseconds=1), SinceFinal.OLDER),
    ],
)
def test_age_since_final_is_bucketed(age: timedelta | None, bucket: SinceFinal) -> None:
    assert since_final(hours_since_final(age)) is bucket


@pytest.mark.parametrize(
    ("charge", "quantity", "remains", "field"),
    [
        (Decimal(1), 0, 0, "quantity"),
        (Decimal(1), -5, 0, "quantity"),
        (Decimal(1), True, 0, "quantity"),
        (Decimal(1), 10, 11, "remains"),
        (Decimal(1), 10, -1, "remains"),
        (Decimal(1), 10, 2.0, "remains"),
        (Decimal(1), 10, None, "remains"),
        (Decimal("-0.01"), 10, 1, "charge"),
        (Decimal("NaN"), 10, 1, "charge"),
        (Decimal("Infinity"), 10, 1, "charge"),
        (Decimal("0.0000001"), 10, 1, "charge"),
        (1.5, 10, 1, "charge"),
    ],
)
def test_refuses_amounts_that_are_not_an_orders(charge: Any, quantity: Any, remains: Any, field: str) -> None:
    with pytest.raises(FactsInvalid) as refusal:
        Amounts(charge, quantity, remains)

    assert refusal.value.field == field


def test_accepts_a_free_order_and_the_largest_quantity() -> None:
    assert Amounts(Decimal(0), 1, 1).charge == 0
    assert Amounts(Decimal("99999999999999.999999"), 10**18, 10**18).remains == 10**18


def test_space_holds_exactly_the_combinations_that_can_be() -> None:
    combinations = list(space())

    assert len(combinations) == len(set(combinations)) == 75_600
    assert all(can_be(facts) for facts in combinations)


@pytest.mark.parametrize(
    ("status", "delivery", "placed", "hours", "refill"),
    [
        (Status.PENDING, Delivery.SOME, SincePlaced.OLDER, None, Refill.AVAILABLE),
        (Status.COMPLETED, Delivery.SOME, SincePlaced.OLDER, 721, Refill.AVAILABLE),
        (Status.COMPLETED, Delivery.ALL, SincePlaced.OLDER, None, Refill.AVAILABLE),
        (Status.PROCESSING, Delivery.NONE, SincePlaced.OLDER, 0, Refill.AVAILABLE),
        (Status.CANCELED, Delivery.NONE, SincePlaced.WITHIN_HOUR, 2, Refill.AVAILABLE),
        (Status.CANCELED, Delivery.NONE, SincePlaced.WITHIN_DAY, 25, Refill.AVAILABLE),
        (Status.CANCELED, Delivery.NONE, SincePlaced.WITHIN_MONTH, 721, Refill.AVAILABLE),
        (Status.CANCELED, Delivery.SOME, SincePlaced.OLDER, 25, Refill.RUNNING),
        (Status.IN_PROGRESS, Delivery.SOME, SincePlaced.OLDER, None, Refill.REFUSED),
    ],
)
def test_space_leaves_out_what_the_words_exclude(
    status: Status, delivery: Delivery, placed: SincePlaced, hours: int | None, refill: Refill
) -> None:
    facts = Facts(
        status,
        delivery,
        Cause.DROPPED,
        Initiator.CUSTOMER,
        since_placed=placed,
        hours_since_final=hours,
        refill=refill,
    )

    assert not can_be(facts)


def test_every_value_of_every_fact_occurs_in_the_space() -> None:
    combinations = list(space())

    for fact, values in policy_facts.VOCABULARY.items():
        assert {getattr(facts, fact) for facts in combinations} == set(values)
