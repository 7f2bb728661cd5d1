"""What is quoted for a service is what will be decided, for every policy, service, customer and moment."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refunds.policy import engine, loader, owing, quoting
from refunds.policy.clauses import Approval, Portion, Refund
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
    since_placed,
)
from refunds.policy.quoting import Answer, Course, Offered, Step
from tests.refunds.policy import random_policies, widened
from tests.refunds.policy.documents import BASE_WHEN, CREDIT_ONLY, MONEY_BACK, SHIPPED, minimal_with
from tests.refunds.policy.widened import CREATORS, NEWSLETTER, WIDENED

POLICIES = (*SHIPPED, WIDENED, widened.policy_of("panel-credit-only"))

OFFERED = st.builds(
    Offered,
    st.sampled_from(Terms),
    st.sampled_from([Refill.NOT_OFFERED, Refill.AVAILABLE]),
    st.sampled_from([0, NEWSLETTER, 99]),
    st.sampled_from([0, CREATORS, 99]),
)
ENDS = {
    "pending_cancel": [(Status.CANCELED, Delivery.NONE, Cause.CHANGE_OF_MIND, Initiator.CUSTOMER)],
    "not_started": [
        (Status.CANCELED, Delivery.NONE, cause, initiator)
        for cause in (Cause.NOT_STARTED, Cause.SERVICE_UNAVAILABLE)
        for initiator in (Initiator.SYSTEM, Initiator.STAFF, Initiator.PROVIDER)
    ],
    "provider_canceled": [
        (Status.CANCELED, Delivery.NONE, Cause.PROVIDER_CANCELED, Initiator.PROVIDER),
        (Status.PARTIAL, Delivery.NONE, Cause.CANNOT_COMPLETE, Initiator.PROVIDER),
    ],
    "partial": [
        (Status.PARTIAL, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER),
        (Status.CANCELED, Delivery.SOME, Cause.PROVIDER_CANCELED, Initiator.PROVIDER),
    ],
    "stopped_by_us": [
        (Status.CANCELED, Delivery.SOME, Cause.STAFF_CANCELED, Initiator.STAFF),
        (Status.CANCELED, Delivery.SOME, Cause.SERVICE_DISCONTINUED, Initiator.STAFF),
        (Status.CANCELED, Delivery.SOME, Cause.SYSTEM_ERROR, Initiator.SYSTEM),
    ],
    "completed": [
        (Status.COMPLETED, Delivery.ALL, Cause.DELIVERED, Initiator.PROVIDER),
        (Status.COMPLETED, Delivery.ALL, Cause.DELIVERED, Initiator.STAFF),
    ],
}
"""Ways in which an order comes to its end, as providers, staff, the system and customers move it."""

CLAIMS = {
    "short": (Status.COMPLETED, Delivery.ALL, Cause.CANNOT_COMPLETE, Initiator.CUSTOMER),
    "dropped": (Status.COMPLETED, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER),
    "refill_failed": (Status.COMPLETED, Delivery.ALL, Cause.DROPPED, Initiator.CUSTOMER),
}
A_DOLLAR = Amounts(Decimal(1), 1000, 1000)
CHARGES = tuple(Decimal(text) for text in ("0.01", "0.75", "7.77", "20", "900"))
A_ROUNDING = Decimal("0.000002")
REMAINS = {Delivery.NONE: 1000, Delivery.SOME: 333, Delivery.ALL: 0}
AGES = st.integers(0, 40 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds)) | st.sampled_from(
    [timedelta(hours=hours, seconds=more) for hours in (1, 24, 72, 720) for more in (-1, 0, 1)]
)


def answer_at(course: Course, age: timedelta) -> Answer:
    """Return the answer that a reader finds for an age."""
    return next(
        step.answer for step in course.steps if step.within_hours is None or age <= timedelta(hours=step.within_hours)
    )


@given(
    st.sampled_from(POLICIES) | random_policies.policies(),
    OFFERED,
    st.sampled_from(Standing),
    AGES,
    st.sampled_from(sorted(ENDS)),
)
@settings(deadline=None)
def test_no_quote_promises_more_than_the_least_that_is_decided_when_an_order_ends(
    policy: Policy, offered: Offered, standing: Standing, age: timedelta, case: str
) -> None:
    course = getattr(quoting.quote(policy, offered, standing), case)
    if course is None:
        assert case == "pending_cancel"
        assert not engine.may_customer_cancel(policy, Status.PENDING)
        return
    answer = answer_at(course, age)
    quoted = replace(policy.default, refund=answer.refund, cap=answer.cap, fee=answer.fee)

    for way in ENDS[case]:
        refill = Refill.NOT_OFFERED if way[0] is Status.CANCELED else offered.refill
        where = (offered.service, offered.category)
        facts = Facts(*way, offered.terms, standing, since_placed(age), 0, refill, *where)
        for charge in CHARGES:
            amounts = Amounts(charge, 1000, REMAINS[facts.delivery])
            verdict = engine.decide(policy, facts, amounts)
            promised = owing.owed(quoted, amounts)
            assert promised <= verdict.owed + A_ROUNDING, (facts, charge)
            at_once = answer.approval is Approval.AUTOMATIC
            assert not (promised and at_once and verdict.approval is Approval.REVIEW), (facts, charge)


@pytest.mark.parametrize("policy", POLICIES, ids=range(len(POLICIES)))
@pytest.mark.parametrize("case", sorted(ENDS))
def test_quotes_just_what_is_decided_where_one_clause_decides(policy: Policy, case: str) -> None:
    for standing in Standing:
        course = getattr(quoting.quote(policy, Offered(), standing), case)
        for way in ENDS[case] if course else ():
            facts = Facts(*way, standing=standing, hours_since_final=0)
            decided = {engine.decide(policy, replace(facts, **other), A_DOLLAR).clause_id for other in _others(case)}
            if len(decided) == 1:
                _agrees(policy, facts, answer_at(course, timedelta()))


def _by_name(refund: Refund, delivery: Delivery) -> Refund:
    """Of what is not delivered at all, the undelivered part is everything, and is said so."""
    return Refund.FULL if delivery is Delivery.NONE and refund is Refund.UNDELIVERED else refund


def _others(case: str) -> list[dict[str, Any]]:
    names = ("status", "delivery", "cause", "initiator")
    return [dict(zip(names, way, strict=True)) for way in quoting.ENDS[case]]


def test_says_the_least_of_what_system_staff_and_provider_bring_about() -> None:
    policy = loader.loads(
        minimal_with(BASE_WHEN, 'when = { status = ["canceled"], initiator = ["system"] }'), "shop.toml"
    )

    quote = quoting.quote(policy, Offered())

    assert quote.not_started.answers == (Answer(Refund.NONE, Approval.AUTOMATIC),)
    assert quote.provider_canceled.answers == (Answer(Refund.NONE, Approval.AUTOMATIC),)


def test_caps_of_which_neither_is_the_lower_come_to_nothing_and_fees_to_both() -> None:
    canceled = 'when = { status = ["canceled"], initiator = ["system"] }'
    then = 'then = { refund = "undelivered", approval = "automatic" }'
    first = minimal_with(BASE_WHEN, canceled).replace(then, f"{then[:-2]}, {{}} }}")
    capped = first.replace("{} }", 'cap = "50 %" }').replace("What is missing", "Up to {cap}")
    other = capped[capped.index('[[clauses]]\nid = "partly"') : capped.index("[default]")]
    second = other.replace('"partly"', '"others"').replace('"system"', '"staff", "provider"').replace("50 %", "3.00")
    policy = loader.loads(capped.replace("[default]", f"{second}[default]"), "shop.toml")

    assert quoting.quote(policy, Offered()).not_started.answers == (Answer(Refund.NONE, Approval.AUTOMATIC),)


@given(st.sampled_from(POLICIES), OFFERED, st.sampled_from(Standing), AGES, st.sampled_from(sorted(CLAIMS)))
def test_quotes_what_is_decided_about_a_claim_after_the_end(
    policy: Policy, offered: Offered, standing: Standing, age: timedelta, case: str
) -> None:
    course = getattr(quoting.quote(policy, offered, standing), case)
    if course is None:
        assert (case, offered.refill) == ("refill_failed", Refill.NOT_OFFERED)
        return
    facts = Facts(
        *CLAIMS[case],
        offered.terms,
        standing,
        since_placed(age),
        hours_since_final(age),
        Refill.REFUSED if case == "refill_failed" else offered.refill,
        offered.service,
        offered.category,
    )

    assert not course.age_of_order_matters  # so one answer holds for all
    for older in list(SincePlaced)[list(SincePlaced).index(facts.since_placed) :]:
        _agrees(policy, replace(facts, since_placed=older), answer_at(course, age))


def _agrees(policy: Policy, facts: Facts, answer: Answer) -> None:
    amounts = Amounts(Decimal("7.77"), 1000, REMAINS[facts.delivery])
    verdict = engine.decide(policy, facts, amounts)
    clause = policy.clause(verdict.clause_id)
    quoted = replace(clause, refund=answer.refund, cap=answer.cap, fee=answer.fee)

    assert (answer.refund, answer.approval) == (_by_name(verdict.refund, facts.delivery), verdict.approval)
    assert (answer.cap, answer.fee) == (clause.cap, clause.fee)
    assert owing.owed(quoted, amounts) == verdict.owed


def test_the_shipped_policies_quote_one_answer_for_each_case() -> None:
    for policy in SHIPPED:
        for terms in Terms:
            quote = quoting.quote(policy, Offered(terms, Refill.AVAILABLE))
            courses = [getattr(quote, case) for case in (*ENDS, *CLAIMS)]
            assert {len(course.steps) for course in courses if course} == {1}


def test_a_claim_window_is_a_step_and_what_comes_later_another() -> None:
    quote = quoting.quote(WIDENED, Offered(category=CREATORS))

    assert quote.dropped == Course(
        (
            Step(72, Answer(Refund.FULL, Approval.REVIEW, Portion(5000), Portion(sum=Decimal("0.500000")))),
            Step(None, Answer(Refund.NONE, Approval.AUTOMATIC)),
        )
    )
    assert quote.refill_failed is None


def test_a_refill_that_comes_first_leaves_the_refund_to_when_it_failed() -> None:
    quote = quoting.quote(WIDENED, Offered(refill=Refill.AVAILABLE, category=CREATORS))

    assert quote.dropped.answers == (Answer(Refund.NONE, Approval.AUTOMATIC),)
    assert quote.refill_failed is not None
    assert [step.within_hours for step in quote.refill_failed.steps] == [72, None]


def test_a_canceled_order_is_never_one_that_can_be_refilled() -> None:
    policy = loader.loads(minimal_with(BASE_WHEN, 'when.refill = ["not_offered"]'), "shop.toml")

    quote = quoting.quote(policy, Offered(refill=Refill.AVAILABLE))

    assert quote.partial.answers == (Answer(Refund.NONE, Approval.AUTOMATIC),)
    assert quote.not_started.answers == (Answer(Refund.FULL, Approval.AUTOMATIC),)
    assert quote.stopped_by_us.answers == (Answer(Refund.UNDELIVERED, Approval.AUTOMATIC),)


def test_a_window_on_the_age_of_the_order_is_a_step_too() -> None:
    policy = loader.loads(
        minimal_with('when = { status = ["partial", "canceled"] }', 'when.since_placed = ["within_hour"]'), "shop.toml"
    )

    quote = quoting.quote(policy, Offered())

    assert quote.not_started.steps == (
        Step(1, Answer(Refund.FULL, Approval.AUTOMATIC)),
        Step(None, Answer(Refund.NONE, Approval.AUTOMATIC)),
    )


def test_says_that_the_age_of_an_order_matters_where_claims_depend_on_it() -> None:
    policy = loader.loads(
        minimal_with('when = { status = ["partial", "canceled"] }', 'when.since_placed = ["within_day"]'), "shop.toml"
    )

    quote = quoting.quote(policy, Offered())

    assert quote.dropped.age_of_order_matters
    assert {answer.refund for answer in quote.dropped.answers} == {Refund.NONE}, "an older order gets nothing"
    assert quoting.quote(WIDENED, Offered()).dropped.age_of_order_matters is False


@pytest.mark.parametrize(
    ("policy", "offered", "standing", "ends"),
    [
        (MONEY_BACK, Offered(), Standing.CLEAR, False),
        (MONEY_BACK, Offered(Terms.NO_REFUND_AFTER_START), Standing.CLEAR, True),
        (CREDIT_ONLY, Offered(Terms.NO_REFUND_AFTER_START), Standing.CLEAR, False),
        (CREDIT_ONLY, Offered(), Standing.FRAUD_SUSPECTED, True),
        (WIDENED, Offered(Terms.NO_REFUND_AFTER_START, category=CREATORS), Standing.CLEAR, True),
    ],
)
def test_knows_the_services_that_refund_nothing_once_delivery_has_begun(
    policy: Policy, offered: Offered, standing: Standing, *, ends: bool
) -> None:
    assert quoting.quote(policy, offered, standing).ends_with_start is ends


@pytest.mark.parametrize(
    ("scope", "sample"), [("newsletters", (NEWSLETTER, 0)), ("creators", (0, CREATORS)), ("elsewhere", (0, 0))]
)
def test_every_scope_has_a_service_to_quote_for(scope: str, sample: tuple[int, int]) -> None:
    assert WIDENED.scopes.sample(scope) == sample
    assert WIDENED.scopes.of(*sample) == scope


def test_an_unknown_scope_has_none() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        WIDENED.scopes.sample("nowhere")


def test_a_scope_that_an_earlier_one_leaves_nothing_has_none() -> None:
    text = widened.text_of("money-back-guarantee", categories=f"{CREATORS}", services=f"{NEWSLETTER}").replace(
        f"categories = [{CREATORS}]", f"services = [{NEWSLETTER}]"
    )

    with pytest.raises(KeyError):
        loader.loads(text, "shop.toml").scopes.sample("creators")
