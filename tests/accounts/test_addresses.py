"""Where a request came from: never what anybody claims, only what proxies of our own wrote."""

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from panel.accounts import addresses


def _request(peer: str, forwarded: str = "") -> HttpRequest:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("unix:", None),
        ("203.0.113.777", None),
    ],
)
def test_is_the_peer_when_no_proxy_is_ours(peer: str, address: str | None) -> None:
    assert addresses.of(_request(peer)) == address


def test_a_header_that_anybody_may_send_counts_for_nothing() -> None:
    assert addresses.of(_request("203.0.113.7", "198.51.100.1")) == "203.0.113.7"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        (2, "192.0.2.66, 198.51.100.1, 10.0.0.9", "198.51.100.1"),
        (1, "2001:db8::7", "2001:db8::7"),
        (1, "192.0.2.66, unknown", None),
        (2, "198.51.100.1", None),
    ],
)
def test_believes_as_many_entries_from_the_end_as_there_are_proxies(
    settings: Settings, proxies: int, forwarded: str, address: str | None
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies

    assert addresses.of(_request("10.0.0.5", forwarded)) == address


def test_says_that_the_proxies_are_not_as_configured_and_logs_no_address(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 3

    assert addresses.of(_request("10.0.0.5", "198.51.100.1")) is None

    assert "trusted_proxies_do_not_match" in caplog.text
    assert "198.51.100.1" not in caplog.text
