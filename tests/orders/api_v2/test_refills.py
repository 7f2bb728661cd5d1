"""`refill` and `refill_status`."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Initiator, OrderStatus, Refill, RefillState, Service
from panel.accounts import suspension
from panel.accounts.models import User
from tests.factories import AT, make_customer, make_service, move, place_order
from tests.factories.refills import end, refill_of, refillable
from tests.orders.api_v2.panel_client import MALFORMED, UNKNOWN_ORDER, Api, Books
from tests.orders.api_v2.test_status import JUNK

UNKNOWN_REFILL = {"error": "Refill not found"}
NOT_A_REFILL = {"error": "Incorrect refill ID"}
NO_REFILL = {"error": "The service of this order offers no refill."}


def test_asks_for_a_refill_and_answers_its_number_as_a_string(api: Api, ada: User) -> None:
    order = refillable(ada)

    body = api("refill", order=order.pk)

    refill = Refill.objects.get()
    assert body == {"refill": str(refill.pk)}
    assert (refill.order, refill.initiator, refill.actor) == (order, Initiator.CUSTOMER, ada)
    assert api("refill_status", refill=refill.pk) == {"status": "Pending"}


def test_answers_each_order_of_several_for_itself_in_numbers(api: Api, ada: User, reach: Service) -> None:
    first, last = refillable(ada), refillable(ada)
    without = place_order(ada, reach)
    move(without, OrderStatus.COMPLETED, remains=0)

    body = api("refill", orders=f"{first.pk},abc,999999,{without.pk},{last.pk}")

    made = {refill.order_id: refill.pk for refill in Refill.objects.all()}
    assert body == [
        {"order": first.pk, "refill": made[first.pk]},
        {"order": "abc", "refill": UNKNOWN_ORDER},
        {"order": 999999, "refill": UNKNOWN_ORDER},
        {"order": without.pk, "refill": NO_REFILL},
        {"order": last.pk, "refill": made[last.pk]},
    ]


def test_a_list_under_the_singular_name_is_a_list_and_an_id_given_twice_is_asked_for_once(api: Api, ada: User) -> None:
    order = refillable(ada)

    body = api("refill", order=f"{order.pk},{order.pk},0{order.pk}")

    refill = Refill.objects.get()
    assert body == [{"order": order.pk, "refill": refill.pk}]
    assert api("refill_status", refill=f"{refill.pk},{refill.pk}") == [{"refill": refill.pk, "status": "Pending"}]


def test_one_order_under_the_plural_name_is_answered_in_plural_form(api: Api, ada: User) -> None:
    order = refillable(ada)

    [row] = api("refill", orders=order.pk)

    assert row == {"order": order.pk, "refill": Refill.objects.get().pk}
    assert api("refill_status", refills=row["refill"]) == [{"refill": row["refill"], "status": "Pending"}]


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (RefillState.PENDING, "Pending"),
        (RefillState.IN_PROGRESS, "In progress"),
        (RefillState.COMPLETED, "Completed"),
        (RefillState.REJECTED, "Rejected"),
        (RefillState.ERROR, "Error"),
    ],
)
def test_tells_how_a_refill_stands_in_the_words_of_the_contract(
    api: Api, ada: User, state: RefillState, word: str
) -> None:
    refill = refill_of(refillable(ada))
    if state != RefillState.PENDING:
        end(refill, state)

    assert api("refill_status", refill=refill.pk) == {"status": word}


def test_tells_of_several_refills_each_for_itself(api: Api, ada: User) -> None:
    done, running = end(refill_of(refillable(ada))), refill_of(refillable(ada))

    body = api("refill_status", refills=f"{done.pk}, {running.pk},abc,999999")

    assert body == [
        {"refill": done.pk, "status": "Completed"},
        {"refill": running.pk, "status": "Pending"},
        {"refill": "abc", "status": NOT_A_REFILL},
        {"refill": 999999, "status": UNKNOWN_REFILL},
    ]


def test_refuses_a_second_refill_while_one_runs(api: Api, ada: User, books: Books) -> None:
    order = refillable(ada)
    api("refill", order=order.pk)

    with books.untouched():
        body = api("refill", order=order.pk)

    assert body == {"error": "A refill of this order was asked for already and has not ended."}


def test_says_in_a_sentence_why_there_is_no_refill(api: Api, ada: User, books: Books, reach: Service) -> None:
    running = place_order(ada, make_service(allows_refill=True))
    without = place_order(ada, reach)

    with books.untouched():
        assert "still running" in api("refill", order=running.pk)["error"]
        assert api("refill", order=without.pk) == NO_REFILL


def test_another_customers_order_and_refill_answer_as_unknown_ones(api: Api, books: Books) -> None:
    foreign = refillable(make_customer("grace", funds="50"))
    refill = refill_of(foreign)

    with books.untouched():
        assert api("refill", order=foreign.pk) == UNKNOWN_ORDER
        assert api("refill", orders=foreign.pk) == [{"order": foreign.pk, "refill": UNKNOWN_ORDER}]
        assert api("refill_status", refill=refill.pk) == api("refill_status", refill=refill.pk + 1) == UNKNOWN_REFILL
        assert api("refill_status", refills=refill.pk) == [{"refill": refill.pk, "status": UNKNOWN_REFILL}]


@pytest.mark.parametrize("junk", JUNK)
def test_refuses_an_id_that_is_none(api: Api, ada: User, books: Books, junk: str) -> None:
    refillable(ada)

    with books.untouched():
        assert api("refill", order=junk) == UNKNOWN_ORDER
        assert api("refill_status", refill=junk) == NOT_A_REFILL


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("refill", {}),
        ("refill", {"refill": "1"}),
        ("refill", {"order": "1", "orders": "2"}),
        ("refill", {"orders": ",,"}),
        ("refill", {"orders": ",".join(["1"] * 101)}),
        ("refill_status", {}),
        ("refill_status", {"order": "1"}),
        ("refill_status", {"refill": "1", "refills": "2"}),
        ("refill_status", {"refill": "null"}),
        ("refill_status", {"refills": ",".join(["1"] * 101)}),
    ],
)
def test_refuses_when_it_is_unclear_which_are_meant(api: Api, books: Books, action: str, given: dict[str, str]) -> None:
    with books.untouched():
        assert api(action, **given) == MALFORMED


def test_a_suspended_account_gets_neither(api: Api, ada: User, books: Books) -> None:
    order = refillable(ada)
    refill = refill_of(order)
    suspension.suspend(user=ada, reason="Chargeback.", at=AT)

    with books.untouched():
        answers: list[Any] = [api("refill", order=order.pk), api("refill_status", refill=refill.pk)]

    assert answers == [{"error": "Account suspended"}] * 2


@pytest.mark.usefixtures("keys_used_now")
def test_tells_of_a_hundred_refills_in_as_many_statements_as_of_one(api: Api, ada: User) -> None:
    order = refillable(ada)
    refills = [end(refill_of(order)).pk for _ in range(20)]
    with CaptureQueriesContext(connection) as for_one:
        api("refill_status", refill=refills[0])

    with CaptureQueriesContext(connection) as for_many:
        api("refill_status", refills=",".join(map(str, [*refills, *range(10_000_000, 10_000_080)])))

    assert len(for_many) == len(for_one) == 2  # key, refills
