"""The HTTP side of the sandbox provider: API v2, control, and the faults in between."""

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from panel.sandbox import provider_control, provider_faults
from panel.sandbox.fault_queue import FaultQueue
from panel.sandbox.http_server import Answer, NoAnswer, Request, json_answer, json_document
from panel.sandbox.provider_api import BusinessError, Provider
from panel.sandbox.provider_faults import Fault, Kind

_API_PATHS: Final = frozenset({"", "/api/v2"})
_CONTROL: Final = re.compile(r"(?:/api/v2)?/_control/([a-z]+)(?:/([0-9]{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Site:
    """What stands behind the provider's server."""

    provider: Provider
    faults: FaultQueue[Fault] = field(default_factory=FaultQueue)

    def respond(self, request: Request) -> Answer:
        """Answer one request. Raises NoAnswer, BadRequest."""
        path = request.path.rstrip("/")
        if control := _CONTROL.fullmatch(path):
            return self._control(request, control[1], control[2])
        if path not in _API_PATHS or request.method == "DELETE":
            return json_answer({"error": "Not found"}, HTTPStatus.NOT_FOUND)
        return self._call(request, _parameters(request))

    def _call(self, request: Request, parameters: dict[str, str]) -> Answer:
        action = parameters.get("action", "")
        fault = self.faults.take(lambda fault: fault.action in {None, action})
        if fault is None:
            return self._act(parameters)
        if fault.kind is Kind.SLOW:
            request.stopping.wait(fault.seconds)
        done = self._act(parameters) if fault.acts else None
        match fault.kind:
            case Kind.ERROR:
                return json_answer({"error": fault.error})
            case Kind.HTTP_500:
                return Answer(b"Internal Server Error", HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain")
            case Kind.HTTP_429:
                return json_answer({"error": "Too many requests"}, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "30"})
            case Kind.NONSENSE:
                return Answer(provider_faults.NONSENSE[fault.variant])
            case Kind.SLOW if done is not None:
                return done
            case _:
                raise NoAnswer

    def _act(self, parameters: dict[str, str]) -> Answer:
        try:
            return json_answer(self.provider.answer(parameters))
        except BusinessError as error:
            return json_answer({"error": str(error)})

    def _control(self, request: Request, what: str, number: str | None) -> Answer:
        if not request.is_from_this_machine:
            return json_answer({"error": "Control is for this machine only"}, HTTPStatus.FORBIDDEN)
        try:
            return json_answer(provider_control.carry_out(request.method, what, number, request.body, self))
        except provider_control.NoSuchThing:
            return json_answer({"error": "Not found"}, HTTPStatus.NOT_FOUND)


def _parameters(request: Request) -> dict[str, str]:
    parameters = dict(parse_qsl(request.query, keep_blank_values=True))
    if request.headers.get_content_type() == "application/json":
        document = json_document(request.body)
        pairs = document.items() if isinstance(document, dict) else ()
        parameters |= {name: value if isinstance(value, str) else json.dumps(value) for name, value in pairs}
    else:
        parameters |= parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    if key := request.headers.get("Idempotency-Key"):
        parameters.setdefault("request_id", key)
    return parameters
