import time
from collections import Counter

import pytest

from refunds.policy import analysis, loader
from refunds.policy.document import Policy
from refunds.policy.space import space
from tests.refunds.policy.documents import MINIMAL, SHIPPED, minimal_with

# Stands in front of `partly`, covers more than it, and so leaves it nothing.
GREEDY = """
[[clauses]]
id = "greedy"
group = "Refunded"
when.status = ["partial", "canceled", "completed"]
then = { refund = "none", approval = "automatic", keeps_undelivered = true }
text = "Nothing comes back."
because = "we are greedy"
passage = "notebook, page 9"

[[clauses]]
id = "partly"
"""


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_shipped_policies_decide_everything_and_carry_no_dead_clause(policy: Policy) -> None:
    start = time.process_time()
    proof = analysis.prove(policy)
    seconds = time.process_time() - start

    assert proof.passed
    assert proof.complete
    assert proof.unreachable == ()
    assert proof.combinations == proof.decided == 75_600
    assert seconds < 2


@pytest.mark.parametrize("policy", [*SHIPPED, loader.loads(MINIMAL, "shop.toml")], ids=lambda policy: policy.slug)
def test_counts_agree_with_trying_each_combination_by_hand(policy: Policy) -> None:
    covers: Counter[str] = Counter()
    decides: Counter[str] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    won: Counter[tuple[str, str]] = Counter()
    for facts in space():
        covering = [clause.id for clause in policy.rules if clause.when.covers(facts, policy.scopes)]
        decides[covering[0]] += 1
        covers.update(covering)
        named = covering[:-1]
        pairs = [(first, second) for at, first in enumerate(named) for second in named[at + 1 :]]
        both.update(pairs)
        won.update(pair for pair in pairs if pair[0] == covering[0])

    proof = analysis.prove(policy)

    assert {reach.clause_id: reach.covers for reach in proof.reach} == covers
    assert {reach.clause_id: reach.decides for reach in proof.reach} == decides
    assert {(o.winner, o.loser): o.combinations for o in proof.overlaps} == both
    assert {(o.winner, o.loser): o.decided_by_winner for o in proof.overlaps if o.decided_by_winner} == won
    assert proof.defaulted == decides["default"]


def test_finds_a_clause_that_can_never_decide() -> None:
    policy = loader.loads(minimal_with('[[clauses]]\nid = "partly"\n', GREEDY), "shop.toml")

    proof = analysis.prove(policy)

    assert proof.unreachable == ("partly",)
    assert not proof.passed
    assert proof.complete


def test_finds_a_clause_whose_facts_exclude_each_other() -> None:
    policy = loader.loads(
        minimal_with('when.cause = ["dropped", "correction"]', 'when.since_final = ["not_final"]'), "shop.toml"
    )

    assert analysis.prove(policy).unreachable == ("dropped-out",)


def test_names_who_wins_where_clauses_overlap() -> None:
    (overlap,) = analysis.prove(loader.loads(MINIMAL, "shop.toml")).overlaps

    assert (overlap.winner, overlap.loser) == ("dropped-out", "partly")
    assert overlap.combinations == overlap.decided_by_winner == 3 * 2 * 4 * 2 * 3 * 7 * 2


def test_an_idle_default_is_no_fault() -> None:
    everything = minimal_with(
        '{ status = ["partial", "canceled"] }',
        '{ status = ["pending", "processing", "in_progress", "partial", "canceled", "completed"] }',
    )

    proof = analysis.prove(loader.loads(everything, "shop.toml"))

    assert proof.defaulted == 0
    assert proof.passed
