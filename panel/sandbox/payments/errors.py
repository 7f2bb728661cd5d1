"""Stripe's error objects."""

from http import HTTPStatus
from typing import Final

INVALID_REQUEST: Final = "invalid_request_error"
IDEMPOTENCY: Final = "idempotency_error"
API: Final = "api_error"


class StripeError(Exception):
    """An answer of the form `{"error": {"type", "code", "param", "message"}}` with an HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = INVALID_REQUEST,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.kind = kind
        self.http_status = status

    def document(self) -> dict[str, object]:
        """Return the body; like Stripe's, without keys that say nothing."""
        fields = {"code": self.code, "message": str(self), "param": self.param, "type": self.kind}
        return {"error": {name: value for name, value in fields.items() if value is not None}}


def missing(noun: str, number: str, *, param: str) -> StripeError:
    """Return the error for an object that does not exist. `noun` as in "No such charge"."""
    return StripeError(f"No such {noun}: '{number}'", code="resource_missing", param=param, status=HTTPStatus.NOT_FOUND)
