"""Examples in a document: what is read, each problem in its words, and what the proof makes of a wrong one."""

from dataclasses import replace
from decimal import Decimal

import pytest

from refunds.policy import analysis, loader
from refunds.policy.clauses import Approval
from refunds.policy.document import Policy
from refunds.policy.facts import (
    Amounts,
    Cause,
    Delivery,
    Facts,
    Initiator,
    Refill,
    SincePlaced,
    Standing,
    Status,
    Terms,
)
from refunds.policy.loader import PolicyInvalid
from tests.refunds.policy.documents import MINIMAL, SHIPPED

EXAMPLE = """
[[examples]]
name = "A part is missing"
facts = { status = "partial", cause = "cannot_complete", initiator = "provider" }
order = { charge = "10.00", quantity = 1000, remains = 400 }
expect = { clause = "partly", refund = "4.00", approval = "automatic" }
"""

IMPOSSIBLE = (
    "can't be together: a pending order has all of its units left, a completed one none; an order has not ended for"
    " longer than since it was placed; a refill follows a delivery"
)


def with_example(*changes: tuple[str, str]) -> str:
    """Return the minimal document with one example in which passages are replaced; each must be there exactly once."""
    example = EXAMPLE
    for old, new in changes:
        assert example.count(old) == 1, old
        example = example.replace(old, new)
    return MINIMAL + example


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")
    return refusal.value.problems


def test_reads_an_example() -> None:
    (example,) = loader.loads(with_example(), "shop.toml").examples

    assert example.name == "A part is missing"
    assert example.facts == Facts(
        Status.PARTIAL,
        Delivery.SOME,
        Cause.CANNOT_COMPLETE,
        Initiator.PROVIDER,
        since_placed=SincePlaced.WITHIN_MONTH,
        hours_since_final=0,
    )
    assert example.amounts == Amounts(Decimal(10), 1000, 400)
    assert (example.clause, example.owed, example.approval) == ("partly", Decimal(4), Approval.AUTOMATIC)


def test_reads_every_fact_that_an_example_may_name() -> None:
    more = (
        'initiator = "customer", terms = "no_refund_after_start", standing = "abuse_flagged", since_placed = "older",'
        ' hours_since_final = 721, refill = "refused", service = 12, category = 3 }'
    )

    (example,) = loader.loads(with_example(('initiator = "provider" }', more)), "shop.toml").examples

    assert example.facts == Facts(
        Status.PARTIAL,
        Delivery.SOME,
        Cause.CANNOT_COMPLETE,
        Initiator.CUSTOMER,
        Terms.NO_REFUND_AFTER_START,
        Standing.ABUSE_FLAGGED,
        SincePlaced.OLDER,
        721,
        Refill.REFUSED,
        service=12,
        category=3,
    )


@pytest.mark.parametrize(
    ("remains", "status", "delivery"),
    [(0, "completed", Delivery.ALL), (1, "partial", Delivery.SOME), (1000, "pending", Delivery.NONE)],
)
def test_delivery_follows_from_the_order(remains: int, status: str, delivery: Delivery) -> None:
    text = with_example(("remains = 400", f"remains = {remains}"), ('status = "partial"', f'status = "{status}"'))

    assert loader.loads(text, "shop.toml").examples[0].facts.delivery is delivery


@pytest.mark.parametrize(("hours", "placed"), [(720, SincePlaced.WITHIN_MONTH), (721, SincePlaced.OLDER)])
def test_an_order_that_ended_long_ago_was_placed_long_ago_unless_it_says_so(hours: int, placed: SincePlaced) -> None:
    text = with_example(('initiator = "provider"', f'initiator = "provider", hours_since_final = {hours}'))

    assert loader.loads(text, "shop.toml").examples[0].facts.since_placed is placed


def test_an_open_order_has_no_age_since_its_end() -> None:
    text = with_example(('status = "partial"', 'status = "in_progress"'))

    assert loader.loads(text, "shop.toml").examples[0].facts.hours_since_final is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name = "A part is missing"\n', "", "example 1: name: is missing; it must be a text in quotation marks"),
        ("A part is missing", "A {panel}", "example 'A {panel}': name: '{panel}' can't be filled in here; allowed: n"),
        ("A part is missing", "x" * 201, f"example '{'x' * 201}': name: has 201 characters; at most 200 are allowed"),
        (
            'status = "partial"',
            'status = "partly"',
            "facts.status: 'partly' is not a status; did you mean 'partial'? (allowed: pending, ",
        ),
        (
            'cause = "cannot_complete"',
            'cause = "cant_complete"',
            "facts.cause: 'cant_complete' is not a cause; did you mean 'cannot_complete'? (allowed: not_started, ",
        ),
        (
            'initiator = "provider"',
            'initiator = "me"',
            "facts.initiator: 'me' is not an initiator; allowed: customer, staff, provider, system",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", terms = "hard"',
            "facts.terms: 'hard' is not a kind of service terms; allowed: standard, no_refund_after_start",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", standing = "good"',
            "facts.standing: 'good' is not a standing; allowed: clear, abuse_flagged, fraud_suspected",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", since_placed = "old"',
            "facts.since_placed: 'old' is not an age since placed; did you mean 'older'? (allowed: within_hour, ",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", refill = "runing"',
            "facts.refill: 'runing' is not a state of a refill; did you mean 'running'? (allowed: not_offered, ",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", hours_since_final = -1',
            "facts.hours_since_final: -1 is too small: at least 0",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", hours_since_final = 87601',
            "facts.hours_since_final: 87601 is too large: at most 87600",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", service = 0',
            "facts.service: 0 is too small: at least 1",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", category = "reach"',
            "facts.category: must be a whole number, not a text ('reach')",
        ),
        (
            'initiator = "provider"',
            'initiator = "provider", delivery = "some"',
            "facts.delivery: unknown key; allowed: category, cause, hours_since_final, initiator, refill, service,",
        ),
        (
            'facts = { status = "partial", cause = "cannot_complete", initiator = "provider" }\n',
            "",
            "facts: is missing; it must be a table [facts]",
        ),
        ('charge = "10.00"', "charge = 10", "order.charge: must be an amount of money in quotation marks, such as "),
        (
            'charge = "10.00"',
            'charge = "ten"',
            "order.charge: 'ten' is not an amount: use digits and at most ",
        ),
        ("quantity = 1000", "quantity = 0", "order.quantity: 0 is too small: at least 1"),
        ("quantity = 1000", "quantity = 1000000001", "order.quantity: 1000000001 is too large: at most 1000000000"),
        ("remains = 400", "remains = -1", "order.remains: -1 is too small: at least 0"),
        ("remains = 400", "remains = 1001", "order.remains: 1001 is more than the quantity 1000"),
        ("remains = 400", "left = 400", "order.remains: is missing; it must be a whole number"),
        (
            'order = { charge = "10.00", quantity = 1000, remains = 400 }\n',
            "",
            "order: is missing; it must be a table [order]",
        ),
        (
            'clause = "partly"',
            'clause = "party"',
            "expect.clause: 'party' is not a clause of this document; did you mean 'partly'? (allowed: dropped-out, ",
        ),
        ('clause = "partly"', "clause = 2", "expect.clause: must be a text in quotation marks, not a whole number (2)"),
        (
            'refund = "4.00"',
            'refund = "-4"',
            "expect.refund: '-4' is not an amount: use digits and at most 6 decim",
        ),
        (
            'approval = "automatic"',
            'approval = "auto"',
            "expect.approval: 'auto' is not an approval; did you mean 'automatic'? (allowed: automatic, review)",
        ),
        (
            'approval = "automatic"',
            'approval = "automatic", owed = "4.00"',
            "expect.owed: unknown key; allowed: approval, clause, refund",
        ),
        (
            'expect = { clause = "partly", refund = "4.00", approval = "automatic" }\n',
            "",
            "expect: is missing; it must be a table [expect]",
        ),
        (
            'expect = { clause = "partly", refund = "4.00", approval = "automatic" }\n',
            "expects = 1\n",
            "expect: is missing; it must be a table [expect]",
        ),
    ],
)
def test_names_what_is_wrong_with_an_example(old: str, new: str, problem: str) -> None:
    first = problems_of(with_example((old, new)))[0]

    place = "" if problem.startswith("example ") else "example 'A part is missing': "
    assert first.startswith(f"shop.toml: {place}{problem}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('status = "partial"', 'status = "ended"'),
        ('status = "partial"', 'status = "ended", hours_since_final = 3'),
        ('cause = "cannot_complete"', 'cause = "bad"'),
        ("remains = 400", "remains = 1001"),
        ("quantity = 1000", "quantity = 0"),
    ],
)
def test_what_can_not_be_read_is_one_problem_and_not_also_a_contradiction(old: str, new: str) -> None:
    problems = problems_of(with_example((old, new)))

    assert [problem for problem in problems if "together" in problem or "goes only with" in problem] == []


@pytest.mark.parametrize(
    "facts",
    [
        'status = "pending"',
        'status = "completed"',
        'status = "canceled", refill = "running"',
        'status = "partial", since_placed = "within_hour", hours_since_final = 2',
    ],
)
def test_facts_that_exclude_each_other_are_a_problem(facts: str) -> None:
    assert problems_of(with_example(('status = "partial"', facts))) == (
        f"shop.toml: example 'A part is missing': facts: {IMPOSSIBLE}",
    )


def test_an_unknown_part_of_an_example_is_a_problem() -> None:
    assert problems_of(f'{with_example()}note = "x"\n') == (
        "shop.toml: example 'A part is missing': note: unknown key; allowed: expect, facts, name, order",
    )


def test_only_an_order_that_has_ended_has_an_age_since_its_end() -> None:
    text = with_example(('status = "partial"', 'status = "in_progress", hours_since_final = 3'))

    assert problems_of(text) == (
        "shop.toml: example 'A part is missing': facts.hours_since_final: goes only with an order that has ended",
    )


def test_names_of_examples_are_used_once() -> None:
    assert problems_of(MINIMAL + EXAMPLE * 2) == (
        "shop.toml: example 'A part is missing': name: is used by 2 examples; each needs its own",
    )


def test_more_than_two_hundred_examples_are_too_many() -> None:
    assert problems_of(MINIMAL + "".join(EXAMPLE.replace("A part", f"Part {n}") for n in range(201))) == (
        "shop.toml: examples: has 201 examples; at most 200 are allowed",
    )


def test_examples_that_are_no_list_of_tables_are_a_problem() -> None:
    assert problems_of(f"examples = [1]\n{MINIMAL}") == (
        "shop.toml: examples: must be a list of tables; item 1 is a whole number",
    )


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_each_shipped_policy_has_an_example_for_every_clause_and_the_default(policy: Policy) -> None:
    proof = analysis.prove(policy)

    assert proof.without_example == ()
    assert [one.example.name for one in proof.tried if not one.passed] == []
    assert {one.verdict.clause_id for one in proof.tried} == {clause.id for clause in policy.rules}


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_the_examples_of_a_shipped_policy_show_how_amounts_are_rounded(policy: Policy) -> None:
    assert Decimal("6.666666") in {example.owed for example in policy.examples}
    assert Decimal("0.1413") in {example.owed for example in policy.examples}


def test_a_clause_without_an_example_is_told() -> None:
    assert analysis.prove(loader.loads(with_example(), "shop.toml")).without_example == ("dropped-out", "default")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('refund = "4.00"', 'refund = "4.01"', "4.01 by partly, automatic"),
        ('clause = "partly"', 'clause = "default"', "4.00 by default, automatic"),
        ('approval = "automatic"', 'approval = "review"', "4.00 by partly, review"),
    ],
)
def test_a_wrong_example_fails_the_proof_and_says_what_was_expected_and_what_came(
    old: str, new: str, expected: str
) -> None:
    proof = analysis.prove(loader.loads(with_example((old, new)), "shop.toml"))

    (tried,) = proof.tried
    assert not proof.passed
    assert not tried.passed
    assert (tried.expected, tried.said) == (expected, "4.00 by partly, automatic")


def test_a_right_example_lets_the_proof_pass() -> None:
    proof = analysis.prove(loader.loads(with_example(), "shop.toml"))

    assert proof.passed
    assert replace(proof, tried=()).passed
