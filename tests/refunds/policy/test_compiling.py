"""The policy as SQL decides what `decide` decides, for every combination of facts, in real PostgreSQL."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import cycle, islice, product
from random import Random

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panel.kernel import money
from refunds.policy import compiling, engine
from refunds.policy.clauses import Approval, Portion, Refund
from refunds.policy.compiling import Columns
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Cause, Delivery, Facts, Initiator, SinceFinal, Status
from refunds.policy.matching import Condition
from refunds.policy.space import bound_samples, free_samples, joined, space
from tests.refunds.policy.documents import SHIPPED
from tests.refunds.policy.random_policies import BASE, policies
from tests.refunds.policy.widened import WIDENED

pytestmark = pytest.mark.django_db

# The examples only read, so they may share the transaction of the test.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Answer = tuple[str, str, Decimal, bool]
"""The deciding rule, the scope, the owed total, and whether a person looks first."""

_TYPES = {
    **dict.fromkeys(
        ("status", "delivery", "cause", "initiator", "terms", "standing", "since_placed", "refill"), "text"
    ),
    "hours_since_final": "int",
    "service": "bigint",
    "category": "bigint",
    "charge": "numeric",
    "quantity": "bigint",
    "remains": "bigint",
}
_CHARGES = (Decimal(10), money.QUANTUM, money.ZERO, Decimal("0.333333"), money.MAXIMUM, Decimal("7.77"))
_AMOUNTS = Amounts(Decimal(10), 1000, 0)
_PARTS = {
    Delivery.NONE: ((1, 1), (1000, 1000), (7, 7)),
    Delivery.SOME: ((3, 1), (1000, 999), (10**9, 1), (7, 3)),
    Delivery.ALL: ((1, 0), (1000, 0)),
}


def with_amounts(every: Iterable[Facts]) -> list[tuple[Facts, Amounts]]:
    """Give each facts an order that can have them; charges and parts take turns."""
    charges = cycle(_CHARGES)
    parts = {delivery: cycle(some) for delivery, some in _PARTS.items()}
    return [(facts, Amounts(next(charges), *next(parts[facts.delivery]))) for facts in every]


def by_database(policy: Policy, cases: Sequence[tuple[Facts, Amounts]]) -> list[Answer]:
    """Let PostgreSQL judge all cases in one statement."""
    columns = Columns()
    given_as = ", ".join(f"unnest(%s::{kind}[]) AS {name}" for name, kind in _TYPES.items())
    statement = f"""
        SELECT rule, {compiling.scope(policy, columns)}, {compiling.owed(policy, "rule", columns)},
               {compiling.is_reviewed(policy, "rule")}
        FROM (SELECT *, {compiling.rule(policy, columns)} AS rule
              FROM (SELECT generate_series(1, {len(cases)}) AS place, {given_as}) given OFFSET 0) judged
        ORDER BY place
    """  # noqa: S608 - made of constants and of a compiled policy
    rows = [[_plain(getattr(facts, name, getattr(amounts, name, None))) for name in _TYPES] for facts, amounts in cases]
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
        found = cursor.fetchall()
    rules, scopes = [clause.id for clause in policy.rules], policy.scopes.ids
    return [(rules[rule], scopes[scope], owed, reviewed) for rule, scope, owed, reviewed in found]


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def by_hand(policy: Policy, cases: Sequence[tuple[Facts, Amounts]]) -> list[Answer]:
    verdicts = [engine.decide(policy, facts, amounts) for facts, amounts in cases]
    return [
        (
            verdict.clause_id,
            policy.scopes.of(facts.service, facts.category),
            verdict.owed,
            verdict.approval is Approval.REVIEW,
        )
        for verdict, (facts, _) in zip(verdicts, cases, strict=True)
    ]


def assert_agree(policy: Policy, cases: Sequence[tuple[Facts, Amounts]]) -> None:
    for case, said, meant in zip(cases, by_database(policy, cases), by_hand(policy, cases), strict=True):
        assert said == meant, case


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_a_shipped_policy_decides_alike_for_every_combination(policy: Policy) -> None:
    cases = with_amounts(space(policy))

    assert len(cases) == 75_600
    assert_agree(policy, cases)


def test_a_policy_with_scopes_windows_caps_and_fees_decides_alike() -> None:
    assert_agree(WIDENED, with_amounts(islice(space(WIDENED), 0, None, 7)))


@settings(UNHURRIED, max_examples=3)
@given(policy=policies(most_scopes=0, windows=()))
def test_any_policy_decides_alike_for_every_combination(policy: Policy) -> None:
    assert_agree(policy, with_amounts(space(policy)))


@settings(UNHURRIED, max_examples=60)
@given(policy=policies(most_clauses=12, most_scopes=3), random=st.randoms(use_true_random=False))
def test_any_policy_decides_alike_for_combinations_at_random(policy: Policy, random: Random) -> None:
    bound, free = bound_samples([policy]), free_samples([policy])

    assert_agree(policy, with_amounts(joined(random.choice(bound), random.choice(free)) for _ in range(500)))


@settings(UNHURRIED, max_examples=60)
@given(policy=policies(), hours=st.integers(0, 2000), data=st.data())
def test_any_policy_decides_alike_at_any_hour_and_for_any_amounts(
    policy: Policy, hours: int, data: st.DataObject
) -> None:
    charges = st.decimals(0, money.MAXIMUM, places=money.PLACES)
    quantities = st.integers(2, 10**12)
    cases = []
    for facts in islice(space(policy), 0, 10_000, 997):
        quantity = data.draw(quantities)
        part = {Delivery.NONE: st.just(quantity), Delivery.ALL: st.just(0)}.get(
            facts.delivery, st.integers(1, quantity - 1)
        )
        aged = facts if facts.hours_since_final is None else replace(facts, hours_since_final=hours)
        cases.append((aged, Amounts(data.draw(charges), quantity, data.draw(part))))

    assert_agree(policy, cases)


@pytest.mark.parametrize("refund", Refund)
def test_a_policy_that_is_a_default_alone_decides_alike(refund: Refund) -> None:
    policy = replace(BASE, clauses=(), default=replace(BASE.default, refund=refund, approval=Approval.REVIEW))

    assert compiling.rule(policy, Columns()) == "0"
    assert_agree(policy, with_amounts(islice(space(policy), 0, None, 100)))


def test_a_percentage_is_rounded_down_and_a_fee_never_takes_more_than_there_is() -> None:
    rules = {
        "cap": replace(BASE.default, refund=Refund.FULL, cap=Portion(basis_points=3333)),
        "fee": replace(BASE.default, refund=Refund.FULL, fee=Portion(sum=Decimal("5.00"))),
    }
    facts = next(iter(space(BASE)))
    cases = [(facts, Amounts(Decimal("0.000010"), 1, 1)), (facts, Amounts(Decimal("5.50"), 1, 1))]

    found = {
        name: [owed for _, _, owed, _ in by_database(replace(BASE, clauses=(), default=rule), cases)]
        for name, rule in rules.items()
    }

    assert found == {"cap": [Decimal("0.000003"), Decimal("1.833150")], "fee": [0, Decimal("0.50")]}


def test_an_open_order_is_in_no_claim_window() -> None:
    clause = replace(BASE.default, id="in-time", when=Condition((), 72))
    policy = replace(BASE, clauses=(clause,))
    every = [facts for facts in islice(space(policy), 0, None, 50) if facts.hours_since_final is None]

    found = by_database(policy, with_amounts(every))

    assert {rule for rule, *_ in found} == {"default"}


@pytest.mark.parametrize("age", SinceFinal)
def test_ages_and_claim_windows_end_at_the_same_hour(age: SinceFinal) -> None:
    clauses = (
        replace(BASE.default, id="in-time", when=Condition((("status", ("completed",)),), 72)),
        replace(BASE.default, id="aged", when=Condition((("since_final", (age.value,)),))),
    )
    policy = replace(BASE, clauses=clauses)
    hours = (None, 0, 1, 23, 24, 25, 71, 72, 73, 719, 720, 721, 100_000)

    assert_agree(
        policy,
        [
            (Facts(status, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER, hours_since_final=hour), _AMOUNTS)
            for status, hour in product((Status.CANCELED, Status.COMPLETED), hours)
        ],
    )
