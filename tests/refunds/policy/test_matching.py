"""Which clause covers an order: scopes of the catalog, and claim windows to the second."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.policy import engine, loader
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
    hours_since_final,
)
from refunds.policy.matching import boundaries
from refunds.policy.scopes import Scope, Scopes
from tests.refunds.policy import widened
from tests.refunds.policy.documents import minimal_with
from tests.refunds.policy.widened import CREATORS, NEWSLETTER, WIDENED

CLAIM = Facts(Status.COMPLETED, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER, hours_since_final=0, category=CREATORS)
SECOND = timedelta(seconds=1)
THREE_DAYS = timedelta(hours=72)


def clause_of(facts: Facts, policy: Policy = WIDENED) -> str:
    return engine.decide(policy, facts, Amounts(Decimal(10), 1000, 0)).clause_id


@pytest.mark.parametrize(
    ("age", "clause"),
    [
        (timedelta(0), "taken-down"),
        (-SECOND, "taken-down"),
        (THREE_DAYS - SECOND, "taken-down"),
        (THREE_DAYS, "taken-down"),
        (THREE_DAYS + timedelta(microseconds=1), "taken-down-late"),
        (THREE_DAYS + SECOND, "taken-down-late"),
        (timedelta(days=3000), "taken-down-late"),
    ],
)
def test_a_claim_window_closes_to_the_second(age: timedelta, clause: str) -> None:
    assert clause_of(replace(CLAIM, hours_since_final=hours_since_final(age))) == clause


def test_a_claim_window_covers_no_open_order() -> None:
    policy = loader.loads(
        minimal_with('{ status = ["partial", "canceled"] }', "{ claim_window_hours = 72 }").replace(
            "What is missing comes back.", "What is missing comes back within {claim_window}."
        ),
        "shop.toml",
    )
    running = Facts(Status.IN_PROGRESS, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER)

    assert clause_of(running, policy) == "default"
    assert clause_of(replace(running, status=Status.PARTIAL, hours_since_final=72), policy) == "partly"
    assert clause_of(replace(running, status=Status.PARTIAL, hours_since_final=73), policy) == "default"


@pytest.mark.parametrize("window", [1, 23, 24, 25, 719, 720, 721, 8760])
def test_a_window_on_the_boundary_of_an_age_is_as_exact_as_any_other(window: int) -> None:
    text = widened.text_of("money-back-guarantee").replace("claim_window_hours = 72", f"claim_window_hours = {window}")
    policy = loader.loads(text, "shop.toml")

    last = replace(CLAIM, hours_since_final=window, since_placed=SincePlaced.OLDER)

    assert clause_of(last, policy) == "taken-down"
    assert clause_of(replace(last, hours_since_final=window + 1), policy) == "taken-down-late"


def test_windows_and_ages_divide_the_time_since_the_end() -> None:
    assert boundaries([clause.when for clause in WIDENED.rules]) == (24, 72, 720)


@pytest.mark.parametrize(
    ("service", "category", "scope"),
    [
        (NEWSLETTER, 0, "newsletters"),
        (NEWSLETTER, 8, "newsletters"),
        (0, CREATORS, "creators"),
        (99, CREATORS, "creators"),
        (NEWSLETTER, CREATORS, "newsletters"),  # the first that names the service or its category
        (99, 8, "elsewhere"),
        (0, 0, "elsewhere"),
    ],
)
def test_a_service_belongs_to_the_first_scope_that_names_it_or_its_category(
    service: int, category: int, scope: str
) -> None:
    assert WIDENED.scopes.of(service, category) == scope


def test_the_order_of_scopes_counts_and_not_that_of_services_before_categories() -> None:
    scopes = Scopes([Scope("shelf", "the shelf", (3,), ()), Scope("one", "one of it", (), (12,))])

    assert scopes.of(12, 3) == "shelf"
    assert scopes.of(12, 4) == "one"


@pytest.mark.parametrize(
    ("service", "category", "clause"),
    [(0, CREATORS, "taken-down"), (NEWSLETTER, CREATORS, "special-cause"), (0, 0, "special-cause")],
)
def test_a_clause_of_a_scope_covers_its_services_only(service: int, category: int, clause: str) -> None:
    assert clause_of(replace(CLAIM, service=service, category=category)) == clause


@pytest.mark.parametrize(
    ("refill", "clause"),
    [
        (Refill.NOT_OFFERED, "taken-down"),
        (Refill.AVAILABLE, "placed-again-first"),
        (Refill.RUNNING, "placed-again-first"),
        (Refill.REFUSED, "taken-down"),
    ],
)
def test_a_refill_can_come_before_a_refund(refill: Refill, clause: str) -> None:
    assert clause_of(replace(CLAIM, refill=refill)) == clause


@given(
    st.builds(
        Facts,
        st.sampled_from(Status),
        st.sampled_from(Delivery),
        st.sampled_from(Cause),
        st.sampled_from(Initiator),
        st.sampled_from(Terms),
        st.sampled_from(Standing),
        st.sampled_from(SincePlaced),
        st.none() | st.integers(0, 1000),
        st.sampled_from(Refill),
        st.sampled_from([0, NEWSLETTER, 99]),
        st.sampled_from([0, CREATORS, 99]),
    ),
    st.sampled_from(["money-back-guarantee", "panel-credit-only"]),
)
def test_the_index_finds_what_trying_clause_after_clause_finds(facts: Facts, slug: str) -> None:
    policy = WIDENED if slug == "money-back-guarantee" else _CREDIT_ONLY
    tried = next((one for one in policy.clauses if one.when.covers(facts, policy.scopes)), policy.default)

    assert clause_of(facts, policy) == tried.id


_CREDIT_ONLY = widened.policy_of("panel-credit-only")
