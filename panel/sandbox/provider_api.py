"""The actions of the sandbox provider: API v2 parameters in, JSON values out. Its errors are API v2's plain strings."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from panel.kernel import money
from panel.sandbox import provider_catalog, provider_course, provider_refills
from panel.sandbox.provider_state import NotEnoughFunds, Placed, Refill, RequestIdReused, State

CURRENCY: Final = "USD"
MOST_IDS: Final = 100
LONGEST_LINK: Final = 2048
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)

# The plain dialect of API v2, word for word.
BAD_KEY: Final = "Invalid API key"
BAD_REQUEST: Final = "Incorrect request"
BAD_SERVICE: Final = "Incorrect service ID"
BAD_LINK: Final = "Bad link"
TOO_FEW: Final = "Quantity less than minimal"
TOO_MANY: Final = "Quantity more than maximum"
NO_FUNDS: Final = "Not enough funds on balance"
BAD_ORDER: Final = "Incorrect order ID"
ID_REUSED: Final = "This request_id belongs to another order"
NOT_CANCELABLE: Final = "This order can not be canceled"
NOT_REFILLABLE: Final = "This order can not be refilled"
NO_REFILL: Final = "Refill not found"

_ABSENT: Final = frozenset({"", "undefined", "null"})
_UNSENDABLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class BusinessError(Exception):
    """A refusal in API v2's own words: answered as HTTP 200 with `{"error": …}`."""

    def __init__(self, *words: object) -> None:
        super().__init__(" ".join(map(str, words)))


@dataclass(frozen=True, slots=True)
class Provider:
    """The stand-in itself. `speed` scales how fast orders move by themselves; 0 means only through control."""

    state: State
    key: str
    seed: int
    speed: float

    def answer(self, parameters: Mapping[str, str]) -> object:
        """Carry out one call. Raises BusinessError."""
        given = {name: value for name, value in parameters.items() if value.strip() not in _ABSENT}
        if given.get("key") != self.key:
            raise BusinessError(BAD_KEY)
        action = self._actions().get(given.get("action", ""))
        if action is None:
            raise BusinessError(BAD_REQUEST)
        return action(given)

    def _actions(self) -> Mapping[str, Callable[[Mapping[str, str]], object]]:
        return {
            "services": lambda _given: [offer.row() for offer in provider_catalog.OFFERS],
            "add": lambda given: {"order": self._add(given)},
            "status": self._status,
            "cancel": lambda given: [{"order": _as_number(n), "cancel": self._cancel(n)} for n in _ids(given)],
            "refill": self._refill,
            "refill_status": self._refill_status,
            "balance": lambda _given: {"balance": money.plain(self.state.balance()), "currency": CURRENCY},
        }

    def report(self, order: Placed) -> dict[str, object]:
        """Return the status answer of one order: as it would stand by itself, overlaid with what control set."""
        driven: dict[str, object] = json.loads(order.driven)
        at = self._progress(order)
        report: dict[str, object] = {
            "charge": order.charge,
            "start_count": str(at.start_count),
            "status": at.status,
            "remains": str(at.remains),
            "currency": CURRENCY,
            **driven,
        }
        report["charge"] = _kept(order, report)
        return {name: value for name, value in report.items() if value is not None}

    def rows(self) -> list[dict[str, object]]:
        """Return all orders for the control address, with how often they were asked for."""
        return [
            {
                "order": order.id,
                "request_id": order.request_id,
                "service": order.service,
                "link": order.link,
                "quantity": order.quantity,
                "add_calls": order.add_calls,
                "cancel_calls": order.cancel_calls,
                "forgotten": bool(order.forgotten),
                "report": self.report(order),
            }
            for order in self.state.every()
        ]

    def refill_report(self, refill: Refill) -> dict[str, object]:
        """Return the status answer of one refill: as it would stand by itself, overlaid with what control set."""
        now = time.time() if refill.driven_at is None else refill.driven_at
        elapsed = (now - refill.asked_at) * self.speed
        by_itself = {"status": provider_refills.status(seed=self.seed, refill=refill.id, elapsed=elapsed)}
        report: dict[str, object] = {**by_itself, **json.loads(refill.driven)}
        return {name: value for name, value in report.items() if value is not None}

    def refill_rows(self) -> list[dict[str, object]]:
        """Return all refills for the control address."""
        return [
            {"refill": refill.id, "order": refill.order_id, "report": self.refill_report(refill)}
            for refill in self.state.every_refill()
        ]

    def _add(self, given: Mapping[str, str]) -> int:
        offer = provider_catalog.BY_NUMBER.get(_as_int(given.get("service", "")) or 0)
        if offer is None:
            raise BusinessError(BAD_SERVICE)
        link = given.get("link", "")
        if not _is_link(link):
            raise BusinessError(BAD_LINK)
        quantity = 1 if offer.type == provider_catalog.PACKAGE else _as_int(given.get("quantity", ""))
        if quantity is None:
            raise BusinessError(BAD_REQUEST)
        if quantity < offer.minimum:
            raise BusinessError(TOO_FEW, offer.minimum)
        if quantity > offer.maximum:
            raise BusinessError(TOO_MANY, offer.maximum)
        try:
            return self.state.place(
                service=offer.service,
                link=link,
                quantity=quantity,
                charge=offer.charge(quantity),
                request_id=given.get("request_id"),
                at=time.time(),
            )
        except NotEnoughFunds as error:
            raise BusinessError(NO_FUNDS) from error
        except RequestIdReused as error:
            raise BusinessError(ID_REUSED) from error

    def _status(self, given: Mapping[str, str]) -> object:
        numbers = _ids(given)
        found = self.state.find([number for text in numbers if (number := _as_int(text)) is not None])
        answers = {
            text: self.report(found[number]) if (number := _as_int(text)) in found else {"error": BAD_ORDER}
            for text in numbers
        }
        if "orders" in given or "," in given["order"]:
            return answers
        return answers[numbers[0]]

    def _cancel(self, text: str) -> object:
        number = _as_int(text)
        order = None if number is None else self.state.find([number]).get(number)
        if order is None:
            return {"error": BAD_ORDER}
        status = self.report(order).get("status")
        if (
            not isinstance(status, str)
            or status not in provider_course.OPEN
            or not provider_catalog.BY_NUMBER[order.service].cancelable
        ):
            return {"error": NOT_CANCELABLE}
        self.state.note_cancel(order.id, at=time.time())
        return 1

    def _refill(self, given: Mapping[str, str]) -> object:
        numbers = _ids(given)
        if "orders" in given or len(numbers) > 1:
            return [{"order": _as_number(text), "refill": self._refilled(text)} for text in numbers]
        made = self._refilled(numbers[0])
        if isinstance(made, dict):
            raise BusinessError(made["error"])
        return {"refill": str(made)}

    def _refilled(self, text: str) -> int | dict[str, str]:
        """Make a refill. One that runs already is no reason to refuse another: so it is at many providers."""
        number = _as_int(text)
        order = None if number is None else self.state.find([number]).get(number)
        if order is None:
            return {"error": BAD_ORDER}
        ended = self.report(order).get("status") in (provider_course.COMPLETED, provider_course.PARTIAL)
        if not ended or not provider_catalog.BY_NUMBER[order.service].refillable:
            return {"error": NOT_REFILLABLE}
        return self.state.refill(order.id, at=time.time())

    def _refill_status(self, given: Mapping[str, str]) -> object:
        numbers = _ids(given, "refill")
        found = self.state.find_refills([number for text in numbers if (number := _as_int(text)) is not None])
        reports = {text: self._refill_standing(found.get(_as_int(text) or 0)) for text in numbers}
        if "refills" in given or len(numbers) > 1:
            return [{"refill": _as_number(text), **report} for text, report in reports.items()]
        report = reports[numbers[0]]
        if isinstance(error := report.get("status"), dict) and error == {"error": NO_REFILL}:
            raise BusinessError(NO_REFILL)
        return report

    def _refill_standing(self, refill: Refill | None) -> dict[str, object]:
        return {"status": {"error": NO_REFILL}} if refill is None else self.refill_report(refill)

    def _progress(self, order: Placed) -> provider_course.Progress:
        now = time.time() if order.driven_at is None else order.driven_at
        canceled = None if order.cancel_at is None or not self.speed else order.cancel_at - order.placed_at
        return provider_course.progress(
            seed=self.seed,
            order=order.id,
            quantity=order.quantity,
            elapsed=(now - order.placed_at) * self.speed,
            cancel_after=None if canceled is None else canceled * self.speed,
        )


def _kept(order: Placed, report: Mapping[str, object]) -> str:
    """Return the charge after refunds: what was delivered of a finished order, all of any other."""
    remains = _as_int(str(report.get("remains")))
    finished = report.get("status") in (provider_course.PARTIAL, provider_course.CANCELED)
    if not finished or remains is None or remains > order.quantity:
        return order.charge
    charge = money.parse(order.charge)
    return money.plain(charge - money.share(charge, remains, order.quantity))


def _ids(given: Mapping[str, str], what: str = "order") -> list[str]:
    texts = [text.strip() for text in given.get(f"{what}s", given.get(what, "")).split(",")]
    numbers = list(dict.fromkeys(text for text in texts if text))
    if not 1 <= len(numbers) <= MOST_IDS:
        raise BusinessError(BAD_REQUEST)
    return numbers


def _as_int(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _as_number(text: str) -> int | str:
    number = _as_int(text)
    return text if number is None else number


def _is_link(link: str) -> bool:
    if len(link) > LONGEST_LINK or _UNSENDABLE.search(link):
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
