"""The control addresses of the sandbox: PaymentsSandbox's methods over HTTP and JSON, for callers on this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from panel.sandbox.fault_queue import BadFault
from panel.sandbox.http_server import Answer, BadRequest, Request, json_answer, json_document
from panel.sandbox.payments import faults
from panel.sandbox.payments.courier import Delivery
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.steering import PaymentsSandbox

PREFIX: Final = "/_control/"
_LARGEST: Final = 10**12
_NOT_FOUND: Final = json_answer({"error": "Not found"}, HTTPStatus.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class _Given:
    """The keys of an instruction. Each method raises BadRequest if the value is not of its kind."""

    values: dict[str, Any]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value:
            raise BadRequest(f"{key} is a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        return None if self.values.get(key) is None else self.text(key)

    def whole(self, key: str) -> int:
        value = self.values.get(key)
        if type(value) is not int or abs(value) > _LARGEST:
            raise BadRequest(f"{key} is a whole number")
        return value

    def whole_or_none(self, key: str) -> int | None:
        return None if self.values.get(key) is None else self.whole(key)

    def number(self, key: str, default: float) -> float:
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
            raise BadRequest(f"{key} is a number of at least 0")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise BadRequest(f"{key} is true or false")
        return value


Deed = Callable[[PaymentsSandbox, str, _Given], dict[str, object]]
"""(the sandbox, the id in the path or nothing, the instruction) -> what to answer beside `"ok": true`."""


def _row(delivery: Delivery) -> dict[str, str]:
    return {
        "id": delivery.id,
        "type": delivery.type,
        "payload": delivery.payload.decode(),
        "signature": delivery.signature,
    }


def _resolve(sandbox: PaymentsSandbox, session: str, given: _Given) -> dict[str, object]:
    outcome = given.text_or_none("outcome")
    if outcome == "expire":
        sandbox.expire(session)
        return {}
    complete = sandbox.pay(
        session,
        card=given.text_or_none("card"),
        outcome=outcome,
        amount_received=given.whole_or_none("amount_received"),
    )
    return {"complete": complete}


def _pay_unknown(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    return {"payment_intent": sandbox.pay_unknown(given.whole("amount"), given.text("currency", "usd"))}


def _refund_by_hand(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    return {"refund": sandbox.refund_by_hand(given.text("payment_intent"), given.whole_or_none("amount"))}


def _move_refund(sandbox: PaymentsSandbox, refund: str, given: _Given) -> dict[str, object]:
    sandbox.move_refund(refund, given.text("status"), failure_reason=given.text_or_none("failure_reason"))
    return {}


def _open_dispute(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    dispute = sandbox.open_dispute(
        given.text("payment_intent"),
        amount=given.whole_or_none("amount"),
        reason=given.text("reason", "fraudulent"),
        status=given.text("status", "needs_response"),
    )
    return {"dispute": dispute}


def _move_dispute(sandbox: PaymentsSandbox, dispute: str, given: _Given) -> dict[str, object]:
    sandbox.move_dispute(dispute, given.text("status"))
    return {}


def _warn(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    made = sandbox.warn_of_fraud(
        given.text("payment_intent"), fraud_type=given.text("fraud_type", "made_with_stolen_card")
    )
    return {"early_fraud_warning": made}


def _set_webhooks(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    sandbox.set_webhooks(given.text("mode"))
    return {}


def _hand_out(sandbox: PaymentsSandbox, event: str, given: _Given) -> dict[str, object]:
    if given.flag("drop"):
        sandbox.drop(event)
        return {}
    return {"statuses": sandbox.deliver(event, times=given.whole("deliver"))}


def _advance(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    sandbox.advance(given.number("advance", 0) + 86400 * given.number("days", 0))
    return {"now": sandbox.now()}


def _set_balance(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    sandbox.set_balance(given.whole("available"), given.text("currency", "usd"))
    return {}


def _set(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    if (outcome := given.text_or_none("refund_outcome")) is not None:
        sandbox.set_refund_outcome(outcome)
    sandbox.answer_ms = given.number("answer_ms", sandbox.answer_ms)
    sandbox.account.late_seconds = given.number("late_seconds", sandbox.account.late_seconds)
    return {}


def _announce(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    return {"event": sandbox.announce(given.text("type"), given.text("object"))}


def _fault(sandbox: PaymentsSandbox, _: str, given: _Given) -> dict[str, object]:
    sandbox.fault(**{"kind": "", **given.values})
    return {}


def _clear_faults(sandbox: PaymentsSandbox, _number: str, _given: _Given) -> dict[str, object]:
    sandbox.clear_faults()
    return {}


def _reset(sandbox: PaymentsSandbox, _number: str, _given: _Given) -> dict[str, object]:
    sandbox.reset()
    return {}


_READS: Final[dict[str, Callable[[PaymentsSandbox], object]]] = {
    "payments": PaymentsSandbox.payments,
    "refunds": PaymentsSandbox.refunds,
    "disputes": PaymentsSandbox.disputes,
    "webhooks": lambda sandbox: [_row(delivery) for delivery in sandbox.queued()],
    "faults": lambda sandbox: [faults.row(fault, left) for fault, left in sandbox.faults.left()],
    "clock": PaymentsSandbox.now,
    "balance": PaymentsSandbox.balance,
}
_DEEDS: Final[dict[tuple[str, bool], tuple[str, Deed]]] = {  # (what, of one object?) -> (the keys it takes, the deed)
    ("sessions", True): ("outcome card amount_received", _resolve),
    ("payments", False): ("amount currency", _pay_unknown),
    ("refunds", False): ("payment_intent amount", _refund_by_hand),
    ("refunds", True): ("status failure_reason", _move_refund),
    ("disputes", False): ("payment_intent amount reason status", _open_dispute),
    ("disputes", True): ("status", _move_dispute),
    ("early_fraud_warnings", False): ("payment_intent", _warn),
    ("webhooks", False): ("mode", _set_webhooks),
    ("webhooks", True): ("deliver drop", _hand_out),
    ("events", False): ("type object", _announce),
    ("clock", False): ("advance days", _advance),
    ("balance", False): ("available currency", _set_balance),
    ("settings", False): ("refund_outcome answer_ms late_seconds", _set),
    ("faults", False): ("kind path method event times seconds stored copies", _fault),
    ("reset", False): ("", _reset),
}


def respond(sandbox: PaymentsSandbox, request: Request) -> Answer:
    """Answer a request to `/_control/…`. Raises BadRequest."""
    if not request.is_from_this_machine:
        return json_answer({"error": "Control is for this machine only"}, HTTPStatus.FORBIDDEN)
    what, _, number = request.path.removeprefix(PREFIX).strip("/").partition("/")
    keys, deed = _DEEDS.get((what, bool(number)), ("", None))
    if (request.method, what, number) == ("DELETE", "faults", ""):
        deed = _clear_faults
    elif request.method == "GET":
        read = None if number else _READS.get(what)
        return _NOT_FOUND if read is None else json_answer({what: read(sandbox)})
    elif request.method != "POST":
        deed = None
    if deed is None:
        return _NOT_FOUND
    given = json_document(request.body or b"{}")
    if not isinstance(given, dict) or (unknown := sorted(given.keys() - set(keys.split()))):
        raise BadRequest(f"Unknown keys: {', '.join(unknown)}" if isinstance(given, dict) else "Give a JSON object")
    try:
        return json_answer({"ok": True, **deed(sandbox, number, _Given(given))})
    except StripeError as error:
        return json_answer(error.document(), error.http_status)
    except (BadFault, ValueError) as error:
        raise BadRequest(str(error)) from error
