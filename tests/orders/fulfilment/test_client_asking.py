from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from orders.fulfilment import client
from orders.fulfilment.client import (
    CancelAccepted,
    CancelRefused,
    Connection,
    Missing,
    OfferedService,
    ProviderUnreachable,
    RefusedByProvider,
    Report,
)
from panel.sandbox.provider import Sandbox

KEY = "key-of-our-account-4711"
LINK = "https://blog.example/autumn"
Answering = Callable[..., Connection]


def place(connection: Connection, request_id: str = "makegood-1", quantity: int = 1000) -> str:
    return client.add(connection, "101", LINK, quantity, request_id).provider_order_id


def test_100_orders_are_asked_for_in_one_call(connection: Connection) -> None:
    ids = [place(connection, f"makegood-{number}") for number in range(100)]

    reports = client.statuses(connection, ids)

    assert list(reports) == ids
    assert {report.raw_status for report in reports.values() if isinstance(report, Report)} == {"Pending"}


def test_refuses_to_ask_for_101_orders(connection: Connection) -> None:
    ids = [str(number) for number in range(1, 102)]

    with pytest.raises(ValueError, match="101 orders in one call; the most is 100"):
        client.statuses(connection, ids)
    with pytest.raises(ValueError, match="101 orders in one call; the most is 100"):
        client.cancel(connection, ids)


@pytest.mark.parametrize("number", ["", "1,2", "1 2", "ü", "1" * 65])
def test_refuses_to_ask_for_what_is_no_order_number(connection: Connection, number: str) -> None:
    with pytest.raises(ValueError, match="is not a provider's order number"):
        client.statuses(connection, [number])


def test_no_orders_need_no_call() -> None:
    nowhere = Connection("http://127.0.0.1:1/", KEY, timedelta(seconds=1))

    assert client.statuses(nowhere, []) == {}
    assert client.cancel(nowhere, []) == {}


def test_reports_are_passed_on_untouched(sandbox: Sandbox, connection: Connection) -> None:
    number = place(connection)
    sandbox.drive(number, status="Half way", start_count=[1, None], remains=-3.5)

    reports = client.statuses(connection, [number, "77"])

    assert reports == {
        number: Report(raw_status="Half way", start_count=[1, None], remains=Decimal("-3.5"), charge="1.15"),
        "77": Missing("Incorrect order ID"),
    }


def test_a_report_without_status_has_an_empty_one(sandbox: Sandbox, connection: Connection) -> None:
    number = place(connection)
    sandbox.drive(number, status=None, remains=None)

    assert client.statuses(connection, [number]) == {
        number: Report(raw_status="", start_count="0", remains=None, charge="1.15")
    }


@pytest.mark.parametrize(
    ("status", "text"), [(5, "5"), (True, "true"), (["Partial"], '["Partial"]'), ("Par\0tial", "Par\ufffdtial")]
)
def test_a_status_that_is_no_clean_text_can_not_become_a_known_one(
    sandbox: Sandbox, connection: Connection, status: object, text: str
) -> None:
    number = place(connection)
    sandbox.drive(number, status=status)

    report = client.statuses(connection, [number])[number]

    assert isinstance(report, Report)
    assert report.raw_status == text


def test_a_forgotten_order_is_missing(sandbox: Sandbox, connection: Connection) -> None:
    number = place(connection)
    sandbox.forget(number)

    assert client.statuses(connection, [number]) == {number: Missing("Incorrect order ID")}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"status": "Partial", "remains": "7"}', Report("Partial", None, "7", None)),
        ('{"5": {"status": "Partial", "remains": 7}}', Report("Partial", None, 7, None)),
        ('{"error": "Incorrect order ID"}', Missing("Incorrect order ID")),
        ('{"5": "Order not found"}', Missing("Order not found")),
        ('{"5": {"error": 404, "status": "Partial", "remains": 7}}', None),
        ('{"5": 17}', None),
        ("{}", Missing("the provider's answer leaves this order out")),
        ("[]", Missing("the provider's answer leaves this order out")),  # PHP writes an empty map so
    ],
)
def test_the_shapes_of_a_status_answer_for_one_order(
    answering: Answering, body: str, expected: Report | Missing | None
) -> None:
    makes_no_sense = Missing("the provider's answer for this order makes no sense")

    assert client.statuses(answering(body), ["5"]) == {"5": expected or makes_no_sense}


@pytest.mark.parametrize("kind", ["http_500", "drop_before", "drop_after", "nonsense"])
@pytest.mark.parametrize("call", [client.statuses, client.cancel])
def test_nothing_is_learned_from_a_fault(
    sandbox: Sandbox,
    connection: Connection,
    kind: str,
    call: Callable[[Connection, list[str]], object],
) -> None:
    sandbox.fault(kind, times=1)

    with pytest.raises(ProviderUnreachable):
        call(connection, ["10001"])


@pytest.mark.parametrize("body", ['["5"]', "null", '{"data": {}}', '{"6": {"status": "Completed"}}', '{"order": 5}'])
def test_nothing_is_learned_from_an_answer_about_something_else(answering: Answering, body: str) -> None:
    connection = answering(body)

    with pytest.raises(ProviderUnreachable):
        client.statuses(connection, ["5"])
    with pytest.raises(ProviderUnreachable):
        client.cancel(connection, ["5"])


def test_a_refusal_of_the_whole_status_call_is_not_about_its_orders(sandbox: Sandbox, connection: Connection) -> None:
    sandbox.fault("error", action="status", error="Account suspended", times=2)

    for ids in (["5"], ["5", "6"]):
        with pytest.raises(RefusedByProvider, match="Account suspended"):
            client.statuses(connection, ids)


def test_a_cancel_is_accepted_or_refused_order_by_order(connection: Connection) -> None:
    running = place(connection)
    package = client.add(connection, "202", LINK, None, "makegood-2").provider_order_id

    assert client.cancel(connection, [running, package, "77"]) == {
        running: CancelAccepted(),
        package: CancelRefused("This order can not be canceled"),
        "77": CancelRefused("Incorrect order ID"),
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('[{"order": 5, "cancel": 1}]', CancelAccepted()),
        ('[{"order": "5", "cancel": "812"}]', CancelAccepted()),
        ('[{"order": 5, "cancel": true}]', CancelAccepted()),
        ('{"order": 5, "cancel": 1}', CancelAccepted()),
        ('{"5": {"cancel": 1}}', CancelAccepted()),
        ('{"5": 1}', CancelAccepted()),
        ('[{"order": 5, "cancel": {"error": "Too late"}}]', CancelRefused("Too late")),
        ('[{"order": 5, "error": "Too late"}]', CancelRefused("Too late")),
        ('{"5": {"error": "Too late"}}', CancelRefused("Too late")),
        ('{"5": "Too late"}', CancelRefused("Too late")),
        ('[{"order": 5, "cancel": 1, "error": "Too late"}]', CancelRefused("Too late")),
        ('[{"order": 5, "cancel": 0}]', None),
        ('[{"order": 5, "cancel": false}]', None),
        ('[{"order": 5, "cancel": null}]', None),
        ('[{"order": 5}]', None),
    ],
)
def test_the_shapes_of_a_cancel_answer(
    answering: Answering, body: str, expected: CancelAccepted | CancelRefused | None
) -> None:
    not_accepted = CancelRefused("the provider did not accept the cancel of this order")

    assert client.cancel(answering(body), ["5"]) == {"5": expected or not_accepted}


def test_the_balance_falls_by_what_was_ordered(connection: Connection) -> None:
    place(connection)

    assert client.balance(connection) == client.Balance(Decimal("999998.85"), "USD")


@pytest.mark.parametrize("body", ["[]", "{}", '{"balance": null}', '{"balance": "1e9"}', '{"balance": NaN}'])
def test_a_balance_that_is_no_amount_is_refused(answering: Answering, body: str) -> None:
    with pytest.raises(ProviderUnreachable):
        client.balance(answering(body))


def test_the_price_list_is_read(connection: Connection) -> None:
    offered = client.services(connection)

    assert len(offered) == 12
    assert offered[0] == OfferedService(
        service_id="101",
        name="Feed ads: impressions of a promoted post",
        type="Default",
        category="Promoted reach",
        rate=Decimal("1.15"),
        minimum=1000,
        maximum=1_000_000,
        refill=True,
        cancel=True,
        dripfeed=False,
    )


def test_an_unreadable_row_of_the_price_list_is_named_and_the_others_read(answering: Answering) -> None:
    good = '{"service": 1, "name": "Native ads", "rate": 0.90, "min": 50, "max": "100"}'
    rows = [good, "7", "{}"] + [
        good.replace(*change) for change in (("0.90", '"x"'), ("50", "500"), ("Native ads", ""))
    ]

    offered = client.services(answering(f"[{','.join(rows)}]"))

    assert isinstance(offered[0], OfferedService)
    assert [row.detail for row in offered[1:] if isinstance(row, client.UnreadableService)] == [
        "the row is no object",
        "the row has no service number",
        "rate is not an amount",
        "min and max are no limits",
        "name is missing",
    ]
