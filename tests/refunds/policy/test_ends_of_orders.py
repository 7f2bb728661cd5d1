"""An order that ends with less delivered ends in another status, and gives no less back there."""

import pytest

from refunds.policy import analysis, loader
from refunds.policy.properties import Counterexample, Property
from tests.refunds.policy.documents import minimal_with

KEPT = """\
[[clauses]]
id = "called-off"
group = "Not refunded"
when = {{ status = ["canceled"], initiator = [{who}] }}
then = {{ refund = "none", approval = "automatic", keeps_undelivered = true }}
text = "What is called off stays."
because = "it was called off"
passage = "notebook"

"""


def falls(who: str, clause: str = KEPT) -> tuple[Counterexample, ...]:
    first = '[[clauses]]\nid = "dropped-out"'
    policy = loader.loads(minimal_with(first, clause.format(who=who) + first), "shop.toml")
    (finding,) = [one for one in analysis.prove(policy).findings if one.what is Property.MORE_UNDELIVERED]
    return finding.counterexamples


@pytest.mark.parametrize("who", ["provider", "system", "staff"])
def test_a_canceled_order_gives_no_less_than_a_partial_one(who: str) -> None:
    (found,) = [one for one in falls(f'"{who}"') if one.clauses == ("partly", "called-off")]

    assert found.facts.startswith("A partial order, some delivered")
    assert found.outcome == (
        "An order of 10.00 with 999 of 1,000 units undelivered: partly refunds 9.99. With 1,000 units undelivered,"
        " canceled, called-off refunds only 0.00."
    )


def test_what_customers_ask_for_is_compared_within_a_status_only() -> None:
    assert falls('"customer"') == ()


def test_a_partial_order_gives_no_less_than_a_completed_one() -> None:
    generous = KEPT.replace('"canceled"', '"completed"').replace('"none"', '"full"')
    generous = generous.replace(", keeps_undelivered = true", "")

    assert ("called-off", "partly") in {one.clauses for one in falls('"staff"', generous)}
