"""A number for the facts of a decision or request, by which equal ones are found fast."""

from django.db import models
from django.db.models import F, Func


def facts_key_field() -> models.GeneratedField:
    """Return a column that the database fills: a 64-bit hash of `facts` without service and category.

    Few different facts occur, and their keys are compared instead of the facts themselves where there are millions
    (refunds.backtesting). Service and category are left out because every order has them itself.
    """
    key = Func(
        F("facts"),
        template="jsonb_hash_extended(%(expressions)s - 'service' - 'category', 0)",
        output_field=models.BigIntegerField(),
    )
    return models.GeneratedField(expression=key, output_field=models.BigIntegerField(), db_persist=True)
