"""Rooms and their direction, where import-linter can't see: foreign keys by string, and words kept twice."""

from enum import Enum

import pytest
from django.apps import apps
from django.db import models

from orders.models import Cause, Initiator, OrderStatus, RefillOffer, Terms
from panel.accounts.models import Standing
from refunds.policy import facts

ROOMS = ["accounts", "notifications", "billing", "orders", "refunds", "support"]


def foreign_keys() -> list[tuple[str, str]]:
    return [
        (model._meta.app_label, field.related_model._meta.app_label)
        for model in apps.get_models()
        if model._meta.app_label in ROOMS
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model._meta.app_label in ROOMS
    ]


def test_foreign_keys_point_to_the_same_room_or_a_lower_one() -> None:
    found = foreign_keys()

    assert len(found) > len(ROOMS)
    assert [pair for pair in found if ROOMS.index(pair[0]) < ROOMS.index(pair[1])] == []


def test_no_foreign_key_of_ours_deletes_what_points_to_it() -> None:
    cascading = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in ROOMS
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is not models.PROTECT
    ]

    assert cascading == []


@pytest.mark.parametrize(
    ("stored", "judged"),
    [
        (OrderStatus, facts.Status),
        (Cause, facts.Cause),
        (Initiator, facts.Initiator),
        (Terms, facts.Terms),
        (Standing, facts.Standing),
        (RefillOffer, facts.Refill),
    ],
)
def test_orders_and_policies_use_the_same_words(stored: type[models.TextChoices], judged: type[Enum]) -> None:
    assert set(stored.values) == {value.value for value in judged}
