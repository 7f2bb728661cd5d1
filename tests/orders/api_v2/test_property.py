"""Whatever is thrown at the address: JSON comes back, and money moves only where an answer says so."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order, Service
from panel.accounts.models import User
from tests.factories import place_order
from tests.orders.api_v2.panel_client import ADDRESS, LINK, Books, answer

ACTIONS = ["services", "add", "status", "cancel", "balance", "refill", "refill_status"]
NAMES = [
    *["key", "action", "service", "link", "quantity", "runs", "interval"],
    *["order", "orders", "refill", "request_id", "comments"],
]
TYPES = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "text/plain",
        "application/json; charset=utf-16",
        "",
    ]
)
HEADERS = st.dictionaries(
    st.just("Idempotency-Key"), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=120), max_size=1
)
# Values that nearly make sense, so that the far corners of a call are reached, and arbitrary ones.
NEARLY = st.sampled_from(
    ["KEY", "SERVICE", "PACKAGE", "ORDER", "ORDER,1", LINK, "1", "50", "1000", "10000", "1e9", "NaN", "-1", " 10 "]
)
WRITTEN = st.one_of(NEARLY, st.text(max_size=30))
FIELDS = st.fixed_dictionaries(
    {"key": st.just("KEY"), "action": st.sampled_from(ACTIONS)},
    optional={
        "service": st.one_of(st.sampled_from(["SERVICE", "PACKAGE"]), WRITTEN),
        "link": st.one_of(st.just(LINK), WRITTEN),
        "quantity": st.one_of(st.integers(0, 20_000).map(str), WRITTEN),
        "order": st.one_of(st.just("ORDER"), WRITTEN),
        "orders": st.one_of(st.just("ORDER"), WRITTEN),
        "refill": WRITTEN,
        "refills": WRITTEN,
        "runs": WRITTEN,
        "request_id": WRITTEN,
    },
)
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), NEARLY),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=8)),
    max_leaves=12,
)


@pytest.fixture
def words(ada: User, key: str, reach: Service, spot: Service) -> dict[str, str]:
    """What the placeholders in generated calls stand for."""
    order = place_order(ada, reach)
    return {"KEY": key, "SERVICE": str(reach.pk), "PACKAGE": str(spot.pk), "ORDER": str(order.pk)}


def check(books: Books, before: dict[str, object], response: Any) -> None:
    """Everything stayed as it was, unless the answer says that something was done."""
    body = answer(response)
    if isinstance(body, dict) and "order" in body:
        assert list(body) == ["order"]
        assert Order.objects.filter(pk=body["order"]).exists()
        return
    if isinstance(body, list) and any(row.get("cancel") == 1 for row in body):
        return
    assert books.pages() == before


def filled(text: str, words: dict[str, str]) -> str:
    for placeholder, value in words.items():
        text = text.replace(placeholder, value)
    return text


UNHURRIED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@UNHURRIED
@given(fields=FIELDS, header=HEADERS, as_json=st.booleans())
def test_survives_calls_that_nearly_make_sense(
    client: Client,
    books: Books,
    words: dict[str, str],
    fields: dict[str, str],
    header: dict[str, str],
    *,
    as_json: bool,
) -> None:
    before = books.pages()
    sent = {name: filled(text, words) for name, text in fields.items()}

    if as_json:
        response = client.post(ADDRESS, json.dumps(sent), content_type="application/json", headers=header)
    else:
        response = client.post(ADDRESS, sent, headers=header)

    check(books, before, response)


@UNHURRIED
@given(document=ANY_JSON)
def test_survives_any_json(client: Client, books: Books, words: dict[str, str], document: Any) -> None:
    before = books.pages()

    response = client.post(ADDRESS, filled(json.dumps(document), words), content_type="application/json")

    check(books, before, response)


@UNHURRIED
@given(body=st.binary(max_size=200), content_type=TYPES, method=st.sampled_from(["POST", "GET", "PUT"]))
def test_survives_any_bytes(
    client: Client, books: Books, words: dict[str, str], body: bytes, content_type: str, method: str
) -> None:
    before = books.pages()
    query = f"action=add&key={words['KEY']}&".encode() + body.replace(b"#", b"")

    in_the_body = client.generic(method, ADDRESS, body, content_type=content_type)
    in_the_query = client.generic(method, ADDRESS, QUERY_STRING=query.decode("latin-1"))

    check(books, before, in_the_body)
    check(books, before, in_the_query)
