"""The ways a call may arrive."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from tests.orders.api_v2.panel_client import ADDRESS, MALFORMED, Api, answer

FORM = "application/x-www-form-urlencoded"
BALANCE = {"balance": "50.00", "currency": "USD"}
Send = Callable[[Client, dict[str, str]], Any]


def post_form(client: Client, given: dict[str, str]) -> Any:
    return client.post(ADDRESS, "&".join(f"{name}={text}" for name, text in given.items()), content_type=FORM)


def post_multipart(client: Client, given: dict[str, str]) -> Any:
    return client.post(ADDRESS, given)


def post_json(client: Client, given: dict[str, str]) -> Any:
    return client.post(ADDRESS, json.dumps(given), content_type="application/json")


def post_query(client: Client, given: dict[str, str]) -> Any:
    return client.post(ADDRESS, query_params=given)


def get_query(client: Client, given: dict[str, str]) -> Any:
    return client.get(ADDRESS, given)


EVERY_WAY = pytest.mark.parametrize("send", [post_form, post_multipart, post_json, post_query, get_query])


@EVERY_WAY
def test_answers_every_way_of_sending(client: Client, key: str, send: Send) -> None:
    assert answer(send(client, {"key": key, "action": "balance"})) == BALANCE


@EVERY_WAY
@pytest.mark.parametrize("blank", ["", "undefined", "null", "  "])
def test_takes_blank_parameters_for_absent(client: Client, key: str, send: Send, blank: str) -> None:
    given = {"key": key, "action": "status", "order": "7", "orders": blank}

    assert answer(send(client, given)) == {"error": "Incorrect order ID"}


@pytest.mark.parametrize("address", ["/api/v2", "/api/v2/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_answers_both_addresses_without_a_redirect(client: Client, key: str, address: str, method: str) -> None:
    assert answer(getattr(client, method)(address, {"key": key, "action": "balance"})) == BALANCE


def test_needs_no_csrf_token(key: str) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert answer(strict.post(ADDRESS, {"key": key, "action": "balance"})) == BALANCE


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_refuses_other_methods(client: Client, key: str, method: str) -> None:
    response = getattr(client, method)(f"{ADDRESS}?key={key}&action=balance")

    assert answer(response) == MALFORMED


@pytest.mark.parametrize("action", ["", "Balance", "balances", "balance;", "__class__", "a" * 5000])
def test_refuses_unknown_actions(api: Api, action: str) -> None:
    assert api(action) == MALFORMED


def test_refuses_a_call_without_parameters(client: Client, db: None) -> None:  # noqa: ARG001 - a key is looked up
    assert answer(client.post(ADDRESS)) == MALFORMED
    assert answer(client.get(ADDRESS)) == MALFORMED


GOOD = b'{"key": "%s", "action": "balance"'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'"key"',
        b"null",
        b"\xff\xfe{\x00}\x00",
        b"[" * 500_000,
        b'{"a":' * 100_000,
        GOOD + b', "order": [1, 2]}',
        GOOD + b', "order": {"a": "b"}}',
        GOOD + b', "order": true}',
        GOOD + b', "order": NaN}',
        GOOD + b', "order": -Infinity}',
        GOOD + b', "order": "\\u0000"}',
        GOOD + b', "order": "\\ud800"}',
        GOOD + b', "order": "\xe9"}',
        GOOD + b', "action": "add"}',
        GOOD + b"} trailing",
        GOOD + b", " + b", ".join(b'"p%d": "x"' % number for number in range(100)) + b"}",
    ],
)
def test_refuses_a_senseless_json_body(client: Client, key: str, body: bytes) -> None:
    response = client.post(ADDRESS, body.replace(b"%s", key.encode()), content_type="application/json")

    assert answer(response) == MALFORMED


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("1", {"error": "Incorrect order ID"}),
        ("1.0", {"error": "Incorrect order ID"}),
        ("1e9", {"error": "Incorrect order ID"}),
        ("9" * 10_000, {"error": "Incorrect order ID"}),
        ("null", MALFORMED),
    ],
)
def test_reads_json_numbers_as_they_were_written(client: Client, key: str, literal: str, expected: object) -> None:
    body = f'{{"key": "{key}", "action": "status", "order": {literal}}}'

    assert answer(client.post(ADDRESS, body, content_type="application/json")) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"action=balance&key=KEY&order=%00",
        b"action=balance&key=KEY&order=\x00",
        b"action=balance&key=KEY&order=%FF",
        b"action=balance&key=KEY&order=\xe9",
        b"action=balance&key=KEY&order=%ED%A0%80",
        b"action=balance&key=KEY&action=add",
        b"action=balance&key=KEY&key=other",
        b"action=balance&key=KEY" + b"&a=1" * 100,
        b"action=balance&key=KEY&a=" + b"x" * 1_000_001,
    ],
)
def test_refuses_a_senseless_form(client: Client, key: str, body: bytes) -> None:
    response = client.post(ADDRESS, body.replace(b"KEY", key.encode()), content_type=FORM)

    assert answer(response) == MALFORMED


def test_takes_a_parameter_that_is_given_twice_alike(client: Client, key: str) -> None:
    body = f"action=balance&key={key}&action=balance"

    assert answer(client.post(f"{ADDRESS}?key={key}", body, content_type=FORM)) == BALANCE


def test_refuses_a_query_that_contradicts_the_body(client: Client, key: str) -> None:
    response = client.post(f"{ADDRESS}?action=services", {"key": key, "action": "balance"})

    assert answer(response) == MALFORMED


PART = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", "--b--\r\n"),
        ("multipart/form-data; boundary=b", "nothing of the kind"),
        ("multipart/form-data; boundary=\u00e4", "--b--\r\n"),
        ("multipart/form-data; boundary=b; charset=utf-16", PART.format("action", "", "balance") + "--b--\r\n"),
        ("multipart/form-data; boundary=b; charset=zlib", PART.format("action", "", "balance") + "--b--\r\n"),
        ("multipart/form-data; boundary=b", PART.format("action", "", "balance\0") + "--b--\r\n"),
        ("multipart/form-data; boundary=b", PART.format("a", '; filename="a.txt"', "x") + "--b--\r\n"),
        (f"{FORM}; charset=utf-16", "action=balance&key=KEY"),
        (f"{FORM}; charset=zlib", "action=balance&key=KEY"),
        ("text/plain", "action=balance&key=KEY"),
        ("application/xml", "<action>balance</action>"),
        ("", "action=balance&key=KEY"),
    ],
)
def test_refuses_a_body_of_another_kind(client: Client, key: str, content_type: str, body: str) -> None:
    response = client.generic("POST", ADDRESS, body.replace("KEY", key), content_type=content_type)

    assert answer(response) == MALFORMED


def test_refuses_a_body_that_is_too_large(client: Client, key: str) -> None:
    given = {"key": key, "action": "balance", "comments": "x" * 1_000_001}

    assert answer(post_multipart(client, given)) == MALFORMED
    assert answer(post_json(client, given)) == MALFORMED


def test_refuses_a_large_upload_before_reading_it(client: Client) -> None:
    upload = BytesIO(PART.format("a", '; filename="a.txt"', "x" * 1_000_001).encode())
    as_sent: dict[str, Any] = {"CONTENT_LENGTH": str(len(upload.getvalue())), "wsgi.input": upload}

    response = client.generic("POST", ADDRESS, "-", content_type="multipart/form-data; boundary=b", **as_sent)

    assert answer(response) == MALFORMED
    assert upload.tell() == 0


def test_refuses_a_senseless_content_length(client: Client, key: str) -> None:
    for length in ("abc", "-1", "9" * 5000):
        response = client.post(ADDRESS, {"key": key, "action": "balance"}, CONTENT_LENGTH=length)

        assert answer(response) == MALFORMED
