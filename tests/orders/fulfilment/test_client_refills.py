"""`refill` and `refill_status` spoken outwards: every shape that providers answer in, and what a fault leaves known."""

from collections.abc import Callable

import pytest

from orders.fulfilment import client
from orders.fulfilment.client import (
    Connection,
    Missing,
    NotSent,
    OutcomeUnknown,
    ProviderUnreachable,
    Reason,
    RefillReport,
    RefillTaken,
    RefusedByProvider,
)
from panel.sandbox.provider import Sandbox

Answering = Callable[..., Connection]
NO_SENSE = Missing("the provider's answer for this refill makes no sense")


def ended(sandbox: Sandbox, connection: Connection) -> str:
    number = client.add(connection, "101", "https://blog.example/", 1000, "makegood-1").provider_order_id
    sandbox.drive(number, status="Completed", remains="0")
    return number


def test_a_refill_is_taken_and_asked_about(sandbox: Sandbox, connection: Connection) -> None:
    taken = client.refill(connection, ended(sandbox, connection))

    assert taken == RefillTaken("501")
    assert client.refill_statuses(connection, ["501", "77"]) == {
        "501": RefillReport("Pending"),
        "77": Missing("Refill not found"),
    }


def test_a_no_is_the_providers_own_word(sandbox: Sandbox, connection: Connection) -> None:
    with pytest.raises(RefusedByProvider, match="This order can not be refilled") as error:
        client.refill(connection, client.add(connection, "101", "https://blog.example/", 1000, "r").provider_order_id)

    assert error.value.reason is Reason.OTHER
    assert sandbox.refills() == []


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ('{"refill": "1"}', "1"),
        ('{"refill": 1}', "1"),
        ('{"status": "success", "refill": "ab-1"}', "ab-1"),
        ('[{"order": 5, "refill": 1}]', "1"),
    ],
)
def test_the_shapes_of_a_yes(answering: Answering, body: str, number: str) -> None:
    assert client.refill(answering(body), "5") == RefillTaken(number)


@pytest.mark.parametrize(
    "body",
    [
        '{"error": "Refill is not available"}',
        '{"refill": {"error": "Refill is not available"}}',
        '[{"order": 5, "refill": {"error": "Refill is not available"}}]',
        '[{"order": 5, "error": "Refill is not available"}]',
    ],
)
def test_the_shapes_of_a_no(answering: Answering, body: str) -> None:
    with pytest.raises(RefusedByProvider, match=r"^Refill is not available$"):
        client.refill(answering(body), "5")


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "7",
        '"ok"',
        '{"refill": 0}',
        '{"refill": true}',
        '{"refill": null}',
        '{"refill": ["1"]}',
        '{"refill": {"id": 1}}',
        '{"refill": {"error": 404}}',
        '{"error": "Refill is not available", "refill": "1"}',
        '[{"order": 5, "refill": 1}, {"order": 6, "refill": 2}]',
        '{"refill": "1", "refill": "2"}',
    ],
)
def test_what_names_no_refill_leaves_the_outcome_unknown(answering: Answering, body: str) -> None:
    with pytest.raises(OutcomeUnknown):
        client.refill(answering(body), "5")


@pytest.mark.parametrize("kind", ["http_500", "drop_before", "drop_after", "nonsense"])
def test_nothing_is_known_after_a_fault(sandbox: Sandbox, connection: Connection, kind: str) -> None:
    number = ended(sandbox, connection)
    sandbox.fault(kind, action="refill", times=1)

    with pytest.raises(OutcomeUnknown):
        client.refill(connection, number)


def test_a_provider_that_is_not_reached_was_asked_nothing(connection: Connection) -> None:
    nowhere = Connection("http://127.0.0.1:1/", connection.key, connection.timeout)

    with pytest.raises(NotSent):
        client.refill(nowhere, "5")
    with pytest.raises(ProviderUnreachable):
        client.refill_statuses(nowhere, ["5"])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"status": "Completed"}', RefillReport("Completed")),
        ('[{"refill": 5, "status": "Completed"}]', RefillReport("Completed")),
        ('[{"refill": "5", "status": "In progress"}, {"refill": 6, "status": "Error"}]', RefillReport("In progress")),
        ('{"5": {"status": "Rejected"}}', RefillReport("Rejected")),
        ('[{"refill": 5, "status": {"error": "Refill not found"}}]', Missing("Refill not found")),
        ('[{"refill": 5, "error": "Refill not found"}]', Missing("Refill not found")),
        ('{"error": "Incorrect refill ID"}', Missing("Incorrect refill ID")),
        ('{"5": "Refill not found"}', Missing("Refill not found")),
        ('[{"refill": 5}]', RefillReport("")),
        ('[{"refill": 5, "status": 7}]', RefillReport("7")),
        ('[{"refill": 5, "status": ["Completed"]}]', RefillReport('["Completed"]')),
        ('[{"refill": 5, "status": "Comple\\u0000ted"}]', RefillReport("Comple\ufffdted")),
        ('{"5": 17}', NO_SENSE),
        ('[{"refill": 5, "status": {"error": 404}}]', NO_SENSE),
    ],
)
def test_the_shapes_of_a_status(answering: Answering, body: str, expected: RefillReport | Missing) -> None:
    assert client.refill_statuses(answering(body), ["5"]) == {"5": expected}


def test_a_refill_that_the_answer_leaves_out_is_missing(answering: Answering) -> None:
    found = client.refill_statuses(answering('[{"refill": 5, "status": "Completed"}]'), ["5", "6"])

    assert found == {
        "5": RefillReport("Completed"),
        "6": Missing("the provider's answer leaves this refill out"),
    }


@pytest.mark.parametrize("body", ["[]", "7", '[{"refill": 6, "status": "Completed"}]', '{"6": {"status": "Error"}}'])
def test_nothing_is_learned_from_an_answer_about_others(answering: Answering, body: str) -> None:
    with pytest.raises(ProviderUnreachable):
        client.refill_statuses(answering(body), ["5"])


def test_a_refusal_of_the_whole_call_is_passed_on(answering: Answering) -> None:
    with pytest.raises(RefusedByProvider, match="Incorrect request"):
        client.refill_statuses(answering('{"error": "Incorrect request"}'), ["5"])
    with pytest.raises(RefusedByProvider, match="Refill not found"):
        client.refill_statuses(answering('{"error": "Refill not found"}'), ["5", "6"])


def test_no_more_than_a_hundred_and_only_numbers_are_asked_for(connection: Connection) -> None:
    assert client.refill_statuses(connection, []) == {}
    with pytest.raises(ValueError, match="101 refills in one call; the most is 100"):
        client.refill_statuses(connection, [str(number) for number in range(1, 102)])
    with pytest.raises(ValueError, match="is not a provider's refill number"):
        client.refill_statuses(connection, ["1,2"])
    with pytest.raises(ValueError, match="is not a provider's order number"):
        client.refill(connection, "1 2")
