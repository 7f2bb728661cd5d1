"""Every clause that a document can hold can be put into words."""

import pytest

from refunds.policy import loader
from refunds.policy.describing import Describer
from refunds.policy.facts import VOCABULARY
from tests.refunds.policy.documents import BASE_WHEN, minimal_with


@pytest.mark.parametrize("fact", sorted(VOCABULARY))
def test_a_clause_may_list_every_value_of_a_fact(fact: str) -> None:
    values = ", ".join(f'"{value}"' for value in VOCABULARY[fact])
    policy = loader.loads(minimal_with(BASE_WHEN, f"when.{fact} = [{values}]"), "shop.toml")

    ((_, words),) = Describer([policy]).condition(policy.clauses[1].when)

    assert words == ("not yet, within a day, within a month or longer ago" if fact == "since_final" else "any")


@pytest.mark.parametrize("fact", sorted(VOCABULARY))
def test_a_clause_may_list_any_number_of_values_of_a_fact(fact: str) -> None:
    for count in range(1, len(VOCABULARY[fact]) + 1):
        values = ", ".join(f'"{value}"' for value in list(VOCABULARY[fact])[:count])
        policy = loader.loads(minimal_with(BASE_WHEN, f"when.{fact} = [{values}]"), "shop.toml")

        ((_, words),) = Describer([policy]).condition(policy.clauses[1].when)

        assert words
