"""One API v2 call over HTTP: what was sent, what came back, and above all what is known when nothing did.

Only three things can go wrong with a call, and telling them apart is what keeps an order from being sent twice or
never: it was provably not sent, the provider refused it, or nobody knows.
"""

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.parse import urlencode

import httpx

from panel.kernel.errors import PanelError

LARGEST_ANSWER: Final = 5_000_000  # bytes; a price list of ten thousand services is about two
MOST_CONNECTIONS: Final = 20
_LONGEST_MESSAGE: Final = 300
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Reason(StrEnum):
    """Why a provider refused a call, read from its words."""

    NO_FUNDS = "no_funds"
    BAD_SERVICE = "bad_service"
    BAD_LINK = "bad_link"
    BAD_QUANTITY = "bad_quantity"
    BAD_KEY = "bad_key"
    DUPLICATE_LINK = "duplicate_link"
    RATE_LIMITED = "rate_limited"
    OTHER = "other"


OURS: Final = frozenset({Reason.BAD_KEY, Reason.RATE_LIMITED, Reason.NO_FUNDS})  # refusals that are about no order


class NotSent(PanelError):
    """The connection could not be made: provably not a byte of the call left this machine."""

    code = "provider_not_reached"


class OutcomeUnknown(PanelError):
    """The call may or may not have been carried out: it must be found out, never assumed."""

    code = "provider_outcome_unknown"


class RefusedByProvider(PanelError):
    """The provider said no, and did nothing. `message` is its text, shortened and without the key."""

    code = "refused_by_provider"

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Connection:
    """Where and as whom to call. `timeout` is for each wait for the network, and for the answer as a whole."""

    url: str
    key: str = field(repr=False)
    timeout: timedelta


class _Unreadable(ValueError):
    """The answer is not JSON as API v2 means it."""


# Wording of the leading panels and their clones, most specific first.
_WORDINGS: Final = (
    (
        Reason.DUPLICATE_LINK,
        re.compile(r"active order|already (?:have|has) an? .*order|duplicate (?:link|order)", re.IGNORECASE),
    ),
    (
        Reason.NO_FUNDS,
        re.compile(r"not enough (?:funds|balance|money)|insufficient|low balance|no funds", re.IGNORECASE),
    ),
    (Reason.RATE_LIMITED, re.compile(r"too many requests|rate limit", re.IGNORECASE)),
    (Reason.BAD_KEY, re.compile(r"\bapi.?key|(?:invalid|incorrect|bad|wrong) key\b|unauthori[sz]ed", re.IGNORECASE)),
    (Reason.BAD_QUANTITY, re.compile(r"\bquantity\b", re.IGNORECASE)),
    (Reason.BAD_LINK, re.compile(r"\b(?:link|url)\b", re.IGNORECASE)),
    (
        Reason.BAD_SERVICE,
        re.compile(
            r"\bservice.?(?:id\b|not\b|is\b)|(?:incorrect|invalid|unknown|wrong|inactive|disabled) service",
            re.IGNORECASE,
        ),
    ),
)

# Nothing has been written when these are raised; every other error of httpx may come after a byte was sent.
_NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

# Answers with an error status that are still the provider's own word when they hold `{"error": text}`.
_SPOKEN: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)

_pools: dict[str, httpx.Client] = {}
_pools_lock = threading.Lock()
_inherited: list[dict[str, httpx.Client]] = []


def call(connection: Connection, action: str, **parameters: str) -> object:
    """Make one API v2 call and return its JSON, fractions as Decimal. Never retries, never follows a redirect.

    Raises NotSent, RefusedByProvider, OutcomeUnknown.
    """
    try:
        form = urlencode({"key": connection.key, "action": action, **parameters}).encode()
    except UnicodeEncodeError as error:
        message = "the call holds characters that can't be sent"
        raise NotSent(message) from error
    status, body = _exchange(connection, form)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        message = "the provider asks for fewer calls (HTTP 429)"
        raise RefusedByProvider(message, Reason.RATE_LIMITED)
    if status != HTTPStatus.OK and status not in _SPOKEN:
        message = f"the provider answered HTTP {status}"
        raise OutcomeUnknown(message)
    try:
        answer = _parsed(body)
    except _Unreadable as error:
        message = f"the provider's answer (HTTP {status}, {len(body)} bytes) can't be read: {error}"
        raise OutcomeUnknown(message) from error
    if (text := error_text(answer)) is not None:
        raise refusal(text, connection)
    if status != HTTPStatus.OK:
        message = f"the provider answered HTTP {status} without saying why"
        raise OutcomeUnknown(message)
    return answer


def error_text(answer: object) -> str | None:
    """Return the text of an API v2 error, `{"error": text}`; None if it is none.

    An object with an error *and* an order or a refill is a contradiction, not a refusal.
    """
    if not isinstance(answer, dict) or answer.get("order") or answer.get("refill"):
        return None
    text = answer.get("error")
    return text if isinstance(text, str) and text.strip() else None


def refusal(text: str, connection: Connection) -> RefusedByProvider:
    """Return a provider's no as an error, with the reason read from its words."""
    said = presentable(text, connection)
    return RefusedByProvider(said, _reason(said))


def presentable(text: str, connection: Connection) -> str:
    """Return a provider's words fit to store and show: one line, shortened, the key blotted out if echoed."""
    clean = UNPRINTABLE.sub(" ", text).strip()
    if connection.key:
        clean = clean.replace(connection.key, "[key]")
    return clean if len(clean) <= _LONGEST_MESSAGE else clean[: _LONGEST_MESSAGE - 1] + "…"


def close_pools() -> None:
    """Close every kept connection; later calls open new ones."""
    with _pools_lock:
        for pool in _pools.values():
            pool.close()
        _pools.clear()


def _pool(url: str) -> httpx.Client:
    with _pools_lock:
        if url not in _pools:
            _pools[url] = httpx.Client(
                follow_redirects=False,
                trust_env=False,  # no proxy or netrc from the environment comes between us and the provider
                cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),  # one key's session is not another's
                limits=httpx.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=5.0),
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "Content-Type": "application/x-www-form-urlencoded",
                    "User-Agent": "makegood",
                },
            )
        return _pools[url]


def _forget_pools() -> None:
    """Leave the parent's connections alone after a fork: two on one socket would mix up their answers."""
    global _pools_lock  # noqa: PLW0603 - the parent's lock may have been held when it forked
    _pools_lock = threading.Lock()
    _inherited.append(dict(_pools))
    _pools.clear()


os.register_at_fork(after_in_child=_forget_pools)


def _exchange(connection: Connection, form: bytes) -> tuple[int, bytes]:
    pool = _pool(connection.url)
    request = _request(pool, connection, form)
    seconds = connection.timeout.total_seconds()
    deadline = time.monotonic() + seconds
    body = bytearray()
    try:
        with contextlib.closing(pool.send(request, stream=True)) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    message = f"the provider's answer is larger than {LARGEST_ANSWER} bytes"
                    raise OutcomeUnknown(message)
                if time.monotonic() > deadline:
                    message = f"the provider's answer took longer than {seconds:g} s"
                    raise OutcomeUnknown(message)
            return response.status_code, bytes(body)
    except _NOTHING_SENT as error:
        message = f"no connection to the provider ({type(error).__name__})"
        raise NotSent(message) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, RuntimeError) as error:
        message = f"the connection to the provider broke after the call was sent ({type(error).__name__})"
        raise OutcomeUnknown(message) from error


def _request(pool: httpx.Client, connection: Connection, form: bytes) -> httpx.Request:
    """Build the request before anything can be sent, so that a bad address is never mistaken for a broken call."""
    try:
        request = pool.build_request("POST", connection.url, content=form, timeout=connection.timeout.total_seconds())
        request.url.host.encode("idna")
        callable_address = request.url.scheme in {"http", "https"} and bool(request.url.host)
    except (httpx.InvalidURL, ValueError):
        callable_address = False
    if not callable_address:
        # The address is not quoted, nor what raised: some put a key into it.
        message = "the provider's address is not one that can be called"
        raise NotSent(message) from None
    return request


def _parsed(body: bytes) -> object:
    try:
        # PHP files saved with a byte order mark put it in front of every answer.
        return json.loads(
            body.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_duplicates,
        )
    except _Unreadable:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        message = f"not JSON ({type(error).__name__})"
        raise _Unreadable(message) from None


def _refuse_constant(name: str) -> object:
    message = f"{name} is not a number"
    raise _Unreadable(message)


def _without_duplicates(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        message = "a key stands twice in one object"
        raise _Unreadable(message)
    return members


def _reason(message: str) -> Reason:
    return next((reason for reason, wording in _WORDINGS if wording.search(message)), Reason.OTHER)
