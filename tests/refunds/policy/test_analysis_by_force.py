"""The proof of any policy says what trying every combination one by one says."""

from collections import Counter
from itertools import combinations

from hypothesis import given, settings

from refunds.policy import analysis
from refunds.policy.document import Policy
from tests.refunds.policy import force
from tests.refunds.policy.random_policies import policies


@settings(max_examples=8, deadline=None)
@given(policy=policies(most_scopes=1, windows=(72,)))
def test_counts_and_overlaps_of_any_policy_are_those_of_every_combination(policy: Policy) -> None:
    covers: Counter[str] = Counter()
    decides: Counter[str] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    won: Counter[tuple[str, str]] = Counter()
    every = force.every(policy)
    for facts in every:
        covering = [clause.id for clause in policy.rules if clause.when.covers(facts, policy.scopes)]
        decides[covering[0]] += 1
        covers.update(covering)
        pairs = list(combinations(covering[:-1], 2))
        both.update(pairs)
        won.update(pair for pair in pairs if pair[0] == covering[0])

    proof = analysis.prove(policy)

    assert proof.complete
    assert proof.combinations == proof.decided == len(every)
    assert [(reach.covers, reach.decides) for reach in proof.reach] == [
        (covers[clause.id], decides[clause.id]) for clause in policy.rules
    ]
    assert proof.unreachable == tuple(clause.id for clause in policy.clauses if not decides[clause.id])
    assert {(one.winner, one.loser): one.combinations for one in proof.overlaps} == both
    assert {(one.winner, one.loser): one.decided_by_winner for one in proof.overlaps if one.decided_by_winner} == won
    assert proof.defaulted == sum(row.combinations for row in proof.default_rows) == decides["default"]
