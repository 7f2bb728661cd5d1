"""One HTTP exchange with Stripe, in place of the SDK's own clients, because of what must be known when it fails.

The SDK says only that a connection failed; whether anything was sent decides between "try again" and "find out first".
"""

import contextlib
import time
from collections.abc import Mapping
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx
from stripe import HTTPClient

from billing.gateways.base import OutcomeUnknown, TryLater

LARGEST_ANSWER: Final = 5_000_000  # bytes; a page of 100 balance transactions is about half a million
MOST_CONNECTIONS: Final = 20

# Nothing has been written when these are raised; every other error of httpx may come after a byte was sent.
_NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Transport(HTTPClient):
    """Keeps connections open between calls and may be used from any thread, but from one process only.

    Raises TryLater when the connection could not be made, and OutcomeUnknown when it broke, took longer than `timeout`
    as a whole, or the answer is larger than 5 MB. Never retries, never follows a redirect.
    """

    name = "makegood"

    def __init__(self, timeout: timedelta) -> None:
        super().__init__()
        self._seconds = timeout.total_seconds()
        self._pool = httpx.Client(
            follow_redirects=False,
            trust_env=False,  # no proxy or netrc from the environment comes between us and Stripe
            timeout=self._seconds,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            limits=httpx.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=5.0),
            headers={"Accept-Encoding": "identity"},
        )

    def request(  # type: ignore[override] # the SDK declares a text, and takes bytes as its own clients return them
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: str | bytes | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request; return body, status and headers."""
        deadline = time.monotonic() + self._seconds
        body = bytearray()
        try:
            request = self._pool.build_request(method, url, headers=headers, content=post_data)
            with contextlib.closing(self._pool.send(request, stream=True)) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        message = f"Stripe's answer is larger than {LARGEST_ANSWER} bytes"
                        raise OutcomeUnknown(message)
                    if time.monotonic() > deadline:
                        message = f"Stripe's answer took longer than {self._seconds:g} s"
                        raise OutcomeUnknown(message)
                return bytes(body), response.status_code, response.headers
        except _NOTHING_SENT as error:
            message = f"no connection to Stripe ({type(error).__name__})"
            raise TryLater(message) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, RuntimeError) as error:
            message = f"the connection to Stripe broke after the call was sent ({type(error).__name__})"
            raise OutcomeUnknown(message) from error

    def close(self) -> None:
        """Close every kept connection."""
        self._pool.close()
