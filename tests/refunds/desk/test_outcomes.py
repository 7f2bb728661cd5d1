"""What becomes of a request the moment it is opened, by both shipped policies and each state of an order."""

from decimal import Decimal

import pytest

from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import User
from refunds.models import Decision, PolicyVersion, RefundRequest, RequestState
from tests.factories import AT, make_customer, make_service, move, place_order
from tests.factories.desk import (
    ask_for_refund,
    balance_of,
    completed,
    decline,
    partly_delivered,
    publish_paying_for_errors,
    started,
)
from tests.refunds.desk.ground import credits_of, kinds, letter, letters, money

pytestmark = pytest.mark.django_db


def order_that_is(state: str) -> Order:
    """An order of 1,000 units for 10.00. The number is of units that are known to be undelivered."""
    match state.split():
        case ["pending"]:
            return place_order(make_customer(funds="100"), make_service(rate="10"))
        case ["processing"]:
            order = order_that_is("pending")
            move(order, OrderStatus.PROCESSING)
            return order
        case ["in_progress", *known]:
            return started(remains=int(known[0]) if known else None)
        case ["partial", remains]:
            return partly_delivered(remains=int(remains))
        case ["canceled", remains]:
            order = started()
            move(order, OrderStatus.CANCELED, remains=int(remains), cause=Cause.PROVIDER_CANCELED)
            return order
    return completed()


# What the customer reports about which order; the clause that decides; what it owes in total and would credit now.
# None instead of the two: it is declined at once.
GUARANTEE = [
    ("processing", "not_started", "asked-while-active", ("10", "10")),
    ("processing", "change_of_mind", "active", None),
    ("in_progress", "cannot_complete", "asked-while-active", ("10", "10")),
    ("in_progress 400", "cannot_complete", "asked-while-active", ("4", "4")),
    ("in_progress 333", "platform_delay", "asked-while-active", ("3.33", "3.33")),
    ("in_progress 0", "cannot_complete", "asked-while-active", ("0", "0")),
    ("in_progress", "change_of_mind", "active", None),
    ("partial 400", "cannot_complete", "asked-afterwards", ("4", "0")),
    ("partial 400", "dropped", "special-cause", ("4", "0")),
    ("partial 400", "system_error", "error-reported", ("10", "6")),
    ("canceled 400", "invalid_target", "special-cause", ("4", "0")),
    ("canceled 1000", "not_started", "asked-afterwards", ("10", "0")),
    ("completed", "cannot_complete", "asked-afterwards", ("0", "0")),
    ("completed", "dropped", "special-cause", ("0", "0")),
    ("completed", "system_error", "error-reported", ("10", "10")),
]
CREDIT_ONLY = [
    ("pending", "not_started", "failure-reported", ("10", "10")),
    ("pending", "change_of_mind", "change-of-mind", None),
    ("pending", "invalid_target", "wrong-target", None),
    ("pending", "platform_delay", "platform-delay", None),
    ("processing", "system_error", "failure-reported", ("10", "10")),
    ("in_progress", "cannot_complete", "in-progress", None),
    ("in_progress 400", "system_error", "in-progress", None),
    ("partial 400", "cannot_complete", "failure-reported", ("4", "0")),
    ("partial 400", "dropped", "dropped", None),
    ("canceled 400", "system_error", "failure-reported", ("4", "0")),
    ("canceled 400", "invalid_target", "wrong-target", None),
    ("completed", "cannot_complete", "completed", None),
    ("completed", "dropped", "completed", None),
    ("completed", "system_error", "completed", None),
]


def check(state: str, cause: str, clause: str, waits_for: tuple[str, str] | None) -> None:
    order = order_that_is(state)
    before, decisions = money(order), Decision.objects.count()

    request = ask_for_refund(order, Cause(cause))

    assert (request.clause, request.policy_version_id) == (clause, order.policy_version)
    assert money(order) == before
    assert Decision.objects.count() == decisions
    if waits_for is None:
        assert (request.state, request.closed_at, request.closed_by) == (RequestState.DECLINED, AT, None)
        assert (request.answer, request.answer_clause, request.amount) == (request.sentence, clause, Decimal(0))
        assert kinds(request) == ["opened", "declined"]
        assert letter(order.customer).template == "request_declined"
        return
    owed, credit = waits_for
    assert (request.state, request.owed) == (RequestState.OPEN, Decimal(owed))
    assert kinds(request) == ["opened"]
    assert letter(order.customer).template == "request_received"
    assert ("By our records nothing is left to refund" in request.sentence) == (Decimal(credit) == 0)
    if Decimal(credit):
        assert f"{Decimal(credit):.2f} USD" in request.sentence


@pytest.mark.parametrize(("state", "cause", "clause", "waits_for"), GUARANTEE)
def test_money_back_guarantee_answers_at_once_or_leaves_it_to_a_person(
    state: str, cause: str, clause: str, waits_for: tuple[str, str] | None
) -> None:
    check(state, cause, clause, waits_for)


@pytest.mark.usefixtures("credit_only_policy")
@pytest.mark.parametrize(("state", "cause", "clause", "waits_for"), CREDIT_ONLY)
def test_panel_credit_only_answers_at_once_or_leaves_it_to_a_person(
    state: str, cause: str, clause: str, waits_for: tuple[str, str] | None
) -> None:
    check(state, cause, clause, waits_for)


def test_a_request_is_due_at_the_upper_end_of_the_policys_hours(credit_only_policy: PolicyVersion) -> None:
    request = ask_for_refund(order_that_is("pending"), Cause.NOT_STARTED)

    assert request.policy_version == credit_only_policy
    hours = [(moment - AT).total_seconds() / 3600 for moment in (request.answer_from, request.due_at)]
    assert hours == [24, 72]


def test_the_money_back_guarantee_promises_an_answer_within_24_to_48_hours() -> None:
    request = ask_for_refund(order_that_is("processing"), Cause.NOT_STARTED)

    hours = [(moment - AT).total_seconds() / 3600 for moment in (request.answer_from, request.due_at)]
    assert hours == [24, 48]
    assert "within 24 to 48 hours" in request.sentence


def test_unknown_progress_promises_at_most_the_whole_and_known_progress_names_the_units() -> None:
    unknown = ask_for_refund(order_that_is("in_progress"))
    known = ask_for_refund(order_that_is("in_progress 400"))

    assert unknown.sentence.startswith("Up to 10.00 USD: a person looks at it within")
    assert known.sentence.startswith("4.00 USD for 400 of 1,000 units that were not delivered: a person")


@pytest.mark.usefixtures("credit_only_policy")
def test_a_decline_names_what_was_refunded_before() -> None:
    request = ask_for_refund(order_that_is("partial 400"), Cause.DROPPED)

    assert request.sentence == (
        "Nothing more is refunded than the 4.00 USD before, because the results dropped through a change of the"
        " platform."
    )


def test_what_the_policy_grants_without_a_person_is_credited_at_once() -> None:
    publish_paying_for_errors()
    order = partly_delivered()

    request = ask_for_refund(order, Cause.SYSTEM_ERROR)

    assert (request.state, request.amount, request.proposed) == (RequestState.APPROVED, Decimal(6), Decimal(6))
    assert (request.closed_at, request.closed_by, request.answer_clause) == (AT, None, "error-reported")
    assert request.answer.startswith("6.00 USD is credited to your balance because you reported that an error of ours")
    assert money(order) == (Decimal(10), Decimal(0))
    assert balance_of(order.customer) == Decimal(1000)
    assert credits_of(request) == [Decimal(6)]
    decision = request.decision
    assert decision is not None
    assert (decision.state, decision.owed, decision.credited) == ("settled", Decimal(10), Decimal(6))
    assert (decision.reviewed_by, decision.sentence) == (None, request.sentence)
    assert kinds(request) == ["opened", "approved"]
    assert letters(order.customer) == ["order_refunded", "request_approved"]
    assert letter(order.customer).context["amount"] == "6.00 USD"


def test_what_is_credited_at_once_brings_the_promotional_share_back_as_such() -> None:
    publish_paying_for_errors()
    order = partly_delivered(promo="5")

    ask_for_refund(order, Cause.SYSTEM_ERROR)

    assert balance_of(order.customer, "promo") == Decimal(5)
    assert balance_of(order.customer) == Decimal(1000)


def test_nothing_is_credited_at_once_while_the_order_runs() -> None:
    publish_paying_for_errors()
    order = started(remains=400)

    request = ask_for_refund(order, Cause.SYSTEM_ERROR)

    assert request.state == RequestState.OPEN
    assert money(order) == (Decimal(0), Decimal(0))


def second_request(order: Order) -> RefundRequest:
    return ask_for_refund(order, Cause.SYSTEM_ERROR, description="It was your mistake.")


def test_nothing_is_credited_at_once_against_what_a_person_declined(hiro: User) -> None:
    publish_paying_for_errors()
    order = partly_delivered()
    decline(ask_for_refund(order), hiro)

    request = second_request(order)

    assert request.state == RequestState.OPEN
    assert money(order) == (Decimal(4), Decimal(6))
