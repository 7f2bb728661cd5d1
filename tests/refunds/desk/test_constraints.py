"""What the database refuses whatever the code does, by the names of constraints and triggers."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import IntegrityError, InternalError, connection, models, transaction

from orders.models import Cause
from panel.accounts.models import User
from refunds.desk import access, opening
from refunds.models import RefundFile, RefundRequest, RefundRequestEvent
from refunds.uploads import Upload
from tests.factories import AT, make_service, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    completed,
    decline,
    make_agent,
    order_in_review,
    started,
    withdraw,
)

pytestmark = pytest.mark.django_db

# The tables whose constraints and triggers are tried here; what all others hold is tried beside the ledger.
DESK: Final = (RefundRequest, RefundRequestEvent, RefundFile)
PDF = b"%PDF-1.4\n1 0 obj\nendobj\ntrailer\n%%EOF\n"


@pytest.fixture
def request_of_ada() -> RefundRequest:
    """An open request about a running order, with a file."""
    return ask_for_refund(started(remains=400), files=(Upload("proof.pdf", PDF),))


def refused(name: str, table: type[models.Model], pk: int, change: str, *values: int) -> None:
    """Run an UPDATE by hand and see that this constraint or trigger refuses it."""
    statement = f"UPDATE {table._meta.db_table} SET {change} WHERE id = %s"  # noqa: S608 - the test's own words
    with pytest.raises((IntegrityError, InternalError)) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [*values, pk])
    assert name in refusal_of(error.value)


def refusal_of(error: BaseException) -> str:
    """Return what the database says it refused, and in which of its functions."""
    assert error.__cause__ is not None
    return f"{error} {error.__cause__.diag.context}"  # type: ignore[attr-defined] # of the driver


CLOSED_BY_HAND = "closed_at = now(), closed_by_id = %s, proposed = 4"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("request_closed_says_when", "closed_at = now()"),
        ("request_closed_says_when", "state = 'declined'"),
        ("request_closed_says_when", "amount = 1"),
        ("request_state_known", "state = 'paid', closed_at = now()"),
        ("request_credits_when_it_ends_well", "state = 'declined', closed_at = now(), amount = 1"),
        ("request_credits_when_it_ends_well", "state = 'withdrawn', closed_at = now(), amount = 1"),
        ("request_credits_when_it_ends_well", "state = 'approved', closed_at = now(), amount = -1"),
        ("request_recommended_whole", "recommended_at = now()"),
        ("request_recommended_whole", "recommended_amount = 1"),
        ("request_recommended_whole", "recommended_remains = 1"),
    ],
)
def test_an_answer_and_a_recommendation_are_whole(name: str, change: str, request_of_ada: RefundRequest) -> None:
    refused(name, RefundRequest, request_of_ada.pk, change)


def test_a_recommendation_is_of_somebody_and_not_below_zero(request_of_ada: RefundRequest, hiro: User) -> None:
    for change in ("recommended_by_id = %s", "recommended_by_id = %s, recommended_at = now(), recommended_amount = -1"):
        refused("request_recommended_whole", RefundRequest, request_of_ada.pk, change, hiro.pk)


def test_nobody_confirms_what_he_recommended(hiro: User) -> None:
    request = approve(order_in_review(), hiro, "7")

    change = f"state = 'approved', amount = 7, {CLOSED_BY_HAND}"
    refused("request_confirmed_by_another", RefundRequest, request.pk, change, hiro.pk)


def test_what_is_recommended_is_not_approved_by_nobody(hiro: User) -> None:
    request = approve(order_in_review(), hiro, "7")

    change = "state = 'approved', amount = 7, proposed = 7, closed_at = now()"
    refused("request_confirmed_by_another", RefundRequest, request.pk, change)


def test_nobody_overrules_the_policy_alone(hiro: User) -> None:
    request = order_in_review()

    for amount in ("7", "3.999999"):
        change = f"state = 'approved', amount = {amount}, {CLOSED_BY_HAND}"
        refused("request_overruled_by_two", RefundRequest, request.pk, change, hiro.pk)
    without = "state = 'approved', amount = 4, proposed = NULL, closed_at = now(), closed_by_id = %s"
    refused("request_overruled_by_two", RefundRequest, request.pk, without, hiro.pk)


def test_no_customer_recommends_an_own_refund(request_of_ada: RefundRequest) -> None:
    change = "recommended_by_id = %s, recommended_at = now(), recommended_amount = 1"
    refused(
        "request_not_recommended_by_its_customer", RefundRequest, request_of_ada.pk, change, request_of_ada.customer_id
    )


def test_whoever_opened_it_for_the_customer_does_not_approve_it_alone() -> None:
    maya = make_agent("maya", access.MAY_OPEN)
    request = opening.open_by_staff(
        staff=maya, order_id=started(remains=400).pk, cause=Cause.CANNOT_COMPLETE, description="He wrote.", at=AT
    )

    change = f"state = 'approved', amount = 4, {CLOSED_BY_HAND}"
    refused("request_approved_by_another_than_its_opener", RefundRequest, request.pk, change, maya.pk)


def test_staff_open_no_requests_for_themselves(request_of_ada: RefundRequest) -> None:
    copy = RefundRequest.objects.get(pk=request_of_ada.pk)
    copy.pk, copy.key, copy.origin = None, None, "staff"

    with pytest.raises(IntegrityError) as error, transaction.atomic():
        copy.save(force_insert=True)

    assert "request_opened_for_another" in str(error.value)


@pytest.mark.parametrize("state", ["approved", "declined"])
def test_no_customer_decides_about_an_own_request(state: str) -> None:
    request = order_in_review()

    amount = "4" if state == "approved" else "0"
    change = f"state = '{state}', amount = {amount}, {CLOSED_BY_HAND}"
    refused("request_not_decided_by_its_customer", RefundRequest, request.pk, change, request.customer_id)


@pytest.mark.parametrize(
    "change",
    [
        "order_id = order_id + 1",
        "customer_id = customer_id + 1",
        "origin = 'policy'",
        "opened_by_id = NULL",
        "cause = 'dropped'",
        "description = 'Something else'",
        "opened_at = now()",
        "answer_from = now()",
        "due_at = now()",
        "policy_version_id = policy_version_id + 1",
        "clause = 'completed'",
        "facts = '{}'",
        "owed = 10",
        "sentence = 'Fine'",
        "key = NULL",
    ],
)
def test_what_was_asked_is_final(change: str, request_of_ada: RefundRequest) -> None:
    refused("request_question_is_final", RefundRequest, request_of_ada.pk, change)


@pytest.mark.parametrize("answer", [approve, decline], ids=["approved", "declined"])
@pytest.mark.parametrize("change", ["state = 'open'", "amount = 3", "answer = 'Other'", "assignee_id = NULL"])
def test_an_answer_is_final(answer: Any, change: str, hiro: User) -> None:
    request = order_in_review()
    answer(request, hiro)

    refused("request_closes_once", RefundRequest, request.pk, change)


def test_nothing_of_a_request_is_ever_deleted_or_rewritten(request_of_ada: RefundRequest) -> None:
    event = RefundRequestEvent.objects.get(request=request_of_ada)
    file = RefundFile.objects.get(request=request_of_ada)

    refused("request_event_is_final", RefundRequestEvent, event.pk, "text = 'Other'")
    refused("request_file_is_kept", RefundFile, file.pk, "content = 'Other'")
    for row, name in (
        (event, "request_event_is_final"),
        (file, "request_file_is_kept"),
        (request_of_ada, "request_is_kept"),
    ):
        with pytest.raises(InternalError) as error, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE id = {row.pk}")  # noqa: S608 - see above
        assert name in refusal_of(error.value)


def copied(request: RefundRequest, **changes: Any) -> RefundRequest:
    """Return an open request like this one, not yet written."""
    copy = RefundRequest(
        order=request.order,
        customer=request.customer,
        origin="customer",
        opened_by=request.customer,
        cause=Cause.DROPPED,
        opened_at=AT,
        answer_from=AT,
        due_at=AT,
        policy_version=request.policy_version,
        clause=request.clause,
        facts=request.facts,
        owed=request.owed,
        sentence=request.sentence,
    )
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy


def refused_to_insert(name: str, request: RefundRequest) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        request.save(force_insert=True)
    assert name in str(error.value)


def test_one_request_about_an_order_is_open_at_a_time(request_of_ada: RefundRequest) -> None:
    refused_to_insert("request_one_open", copied(request_of_ada))

    withdraw(request_of_ada)
    ask_for_refund(request_of_ada.order)
    assert RefundRequest.objects.filter(order=request_of_ada.order).count() == 2


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("request_origin_known", {"origin": "provider"}),
        ("request_opened_by_somebody", {"opened_by": None}),
        ("request_owed_sane", {"owed": -1}),
        ("request_due_after_it_was_opened", {"due_at": AT - timedelta(seconds=1)}),
        ("request_due_after_it_was_opened", {"answer_from": AT - timedelta(seconds=1)}),
    ],
)
def test_a_request_is_of_somebody_and_due_after_it_was_opened(name: str, changes: dict[str, Any]) -> None:
    first = ask_for_refund(completed(), Cause.SYSTEM_ERROR)
    other = place_order(first.customer, make_service())

    refused_to_insert(name, copied(first, order=other, **changes))


def test_a_policy_opens_requests_in_nobodys_name() -> None:
    first = ask_for_refund(completed(), Cause.SYSTEM_ERROR)

    refused_to_insert("request_opened_by_somebody", copied(first, order=started(first.customer), origin="policy"))


def test_one_form_opens_one_request(request_of_ada: RefundRequest) -> None:
    other = copied(request_of_ada, order=started(request_of_ada.customer), key=request_of_ada.key)

    refused_to_insert("refunds_refundrequest_key_key", other)


def test_files_have_one_place_each_and_three_places_in_all(request_of_ada: RefundRequest) -> None:
    first = RefundFile.objects.get(request=request_of_ada)
    for position, name in (
        (1, "request_file_once_a_place"),
        (0, "request_file_place_sane"),
        (4, "request_file_place_sane"),
    ):
        copy = RefundFile.objects.get(pk=first.pk)
        copy.pk, copy.position = None, position
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            copy.save(force_insert=True)
        assert name in str(error.value)


def test_an_event_is_of_a_known_kind(request_of_ada: RefundRequest) -> None:
    event = RefundRequestEvent(request=request_of_ada, at=AT, kind="paid")

    with pytest.raises(IntegrityError) as error, transaction.atomic():
        event.save(force_insert=True)
    assert "request_event_kind_known" in str(error.value)


def test_every_constraint_and_trigger_of_the_desk_is_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")

    held = {one.name for model in DESK for one in model._meta.constraints}
    held |= {one.name for model in DESK for one in model._meta.triggers}  # type: ignore[union-attr] # of pgtrigger

    assert len(held) > 20
    assert {name for name in held if f'"{name}"' not in text} == set()
