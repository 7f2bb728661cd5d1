"""The HTTP side: keys, idempotency, faults, Stripe's endpoints, the checkout page and control."""

import base64
import binascii
import contextlib
import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from panel.sandbox.http_server import Answer, NoAnswer, Request, json_answer
from panel.sandbox.payments import checkout_page, control, errors, form, listing, routes
from panel.sandbox.payments.account import API_VERSION
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.faults import Fault, Kind
from panel.sandbox.payments.routes import Route
from panel.sandbox.payments.steering import PaymentsSandbox
from panel.sandbox.payments.store import Document, Stored

KEYS_KEPT_SECONDS: Final = 24 * 3600
LARGEST_BODY: Final = 6_000_000
_LONGEST_KEY: Final = 255
_MULTIPART: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class _Call:
    """A request to one of Stripe's endpoints. `key` is its idempotency key."""

    route: Route
    number: str
    endpoint: str
    parameters: form.Parameters
    request_id: str
    key: str | None


@dataclass(slots=True)
class Site:
    """What stands behind the sandbox's server."""

    sandbox: PaymentsSandbox
    _requests: Iterator[int] = field(default_factory=itertools.count)
    _in_use: set[str] = field(default_factory=set)
    _in_use_lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, request: Request) -> Answer:
        """Answer one request. Raises NoAnswer, BadRequest."""
        if request.path.startswith(control.PREFIX):
            return control.respond(self.sandbox, request)
        if request.path.startswith(checkout_page.PREFIX):
            return checkout_page.respond(self.sandbox, request)
        request_id = f"req_{self.sandbox.account.store.digest(f'request {next(self._requests)}')[:14]}"
        headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("Stripe-Version", API_VERSION)}
        try:
            return self._api(request, request_id, headers)
        except StripeError as error:
            return json_answer(error.document(), error.http_status, headers)

    def _api(self, request: Request, request_id: str, headers: dict[str, str]) -> Answer:
        self._check_key(request)
        found = routes.find(request.method, request.path)
        if found is None:
            raise StripeError(
                f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we"
                " can help at https://support.stripe.com/.",
                status=HTTPStatus.NOT_FOUND,
            )
        fault = self.sandbox.faults.take(lambda fault: fault.concerns_request(request.method, request.path))
        kind = fault and fault.kind
        if kind is Kind.DROP_BEFORE:
            raise NoAnswer
        if kind is Kind.HTTP_429:
            raise StripeError("Request rate limit exceeded.", code="rate_limit", status=HTTPStatus.TOO_MANY_REQUESTS)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        route, number = found
        call = _Call(route, number, f"{request.method} {request.path}", _parameters(request), request_id, key)
        with self._using(key):
            if self.sandbox.answer_ms:
                request.stopping.wait(self.sandbox.answer_ms / 1000)
            if kind is Kind.SLOW and fault is not None:
                request.stopping.wait(fault.seconds)
            stored, replayed = self._execute(call, fault)
        if kind is Kind.DROP_AFTER:
            raise NoAnswer
        if kind is Kind.STALL and fault is not None:
            request.stopping.wait(fault.seconds)
        if key is not None:
            headers["Idempotency-Key"] = key
            if replayed:
                headers |= {"Idempotent-Replayed": "true", "Original-Request": stored.request_id}
        return Answer(stored.body.encode(), HTTPStatus(stored.status), headers=headers)

    def _execute(self, call: _Call, fault: Fault | None) -> tuple[Stored, bool]:
        """Carry out a call, or return what its key has got before, and whether it did the latter.

        Raises StripeError, which is not stored.
        """
        account, store = self.sandbox.account, self.sandbox.account.store
        before = fault is not None and fault.kind is Kind.ERROR_500_BEFORE
        after = fault is not None and fault.kind is Kind.ERROR_500_AFTER
        parameters = json.dumps(call.parameters, sort_keys=True, default=repr)
        with self.sandbox.changing():
            if call.key is not None and (known := store.answer(call.key, since=store.now() - KEYS_KEPT_SECONDS)):
                return _same(known, call, parameters), True
            account.request_id, account.key = call.request_id, call.key
            given = {} if before else call.route.parameters.read(call.parameters, "")
            try:
                with store.attempt():
                    if before:
                        raise _failure()
                    document = self._act(call, given)
                status = HTTPStatus.OK
            except StripeError as error:
                document, status = error.document(), error.http_status
            if after:
                failure = _failure()
                document, status = failure.document(), failure.http_status
            stored = Stored(call.endpoint, parameters, store.now(), call.request_id, int(status), json.dumps(document))
            if call.key is not None and (fault is None or fault.stored or not (before or after)):
                store.remember(call.key, stored)
            return stored, False

    def _act(self, call: _Call, given: dict[str, Any]) -> Document:
        account = self.sandbox.account
        paths = given.pop("expand", [])
        document = call.route.act(account, call.number, given)
        if paths:
            listing.expand(account, document, paths)
        return document

    def _check_key(self, request: Request) -> None:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        key = credentials.strip()
        if scheme.lower() == "basic":
            with contextlib.suppress(binascii.Error, ValueError):
                key = base64.b64decode(key).decode().partition(":")[0]
        if not key:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using"
                " Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=HTTPStatus.UNAUTHORIZED,
            )
        if key != self.sandbox.key:
            raise StripeError(f"Invalid API Key provided: {key[:8]}{'*' * 8}", status=HTTPStatus.UNAUTHORIZED)

    @contextlib.contextmanager
    def _using(self, key: str | None) -> Iterator[None]:
        """Hold an idempotency key for the length of the block. Raises StripeError."""
        if key is None:
            yield
            return
        if not 0 < len(key) <= _LONGEST_KEY:
            raise StripeError(f"Idempotency keys have at most {_LONGEST_KEY} characters.", kind=errors.IDEMPOTENCY)
        with self._in_use_lock:
            if key in self._in_use:
                raise StripeError(
                    "There is currently another in-progress request using this Idempotent Key (that probably means you"
                    " submitted twice, and the other request is still going through). Please try again later.",
                    code="idempotency_key_in_use",
                    kind=errors.IDEMPOTENCY,
                    status=HTTPStatus.CONFLICT,
                )
            self._in_use.add(key)
        try:
            yield
        finally:
            with self._in_use_lock:
                self._in_use.discard(key)


def _parameters(request: Request) -> form.Parameters:
    if request.method == "GET":
        return form.decode(request.query)
    if request.headers.get_content_type() == _MULTIPART:
        return form.decode_multipart(request.body, request.headers["Content-Type"])
    return form.decode(request.body.decode("utf-8", "replace"))


def _same(known: Stored, call: _Call, parameters: str) -> Stored:
    """Return the answer that is stored, if the call is the one that got it. Raises StripeError."""
    if known.endpoint != call.endpoint:
        raise StripeError(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for"
            f" ('{known.endpoint}' vs '{call.endpoint}'). Try using a key other than '{call.key}' if you meant to"
            " execute a different request.",
            kind=errors.IDEMPOTENCY,
        )
    if known.parameters != parameters:
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
            f" using a key other than '{call.key}' if you meant to execute a different request.",
            kind=errors.IDEMPOTENCY,
        )
    return known


def _failure() -> StripeError:
    return StripeError("An unknown error occurred", kind=errors.API, status=HTTPStatus.INTERNAL_SERVER_ERROR)
