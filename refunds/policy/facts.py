"""What a refund policy may ask about an order: nine facts with a handful of values, and three that it divides itself.

The vocabulary is closed and small on purpose, so that a policy can be proved by trying every combination (space.py and
analysis.py). The values are the same words that orders and customers store. Service, category and the exact hours since
the end have too many values to try; a policy divides them into a few parts, its scopes and claim windows, and only the
parts matter to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from panel.kernel import money
from panel.kernel.errors import Refused


class Status(StrEnum):
    """Where the order stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    IN_PROGRESS = "in_progress"
    PARTIAL = "partial"
    CANCELED = "canceled"
    COMPLETED = "completed"


class Delivery(StrEnum):
    """How much of the quantity was delivered."""

    NONE = "none"
    SOME = "some"
    ALL = "all"


class Cause(StrEnum):
    """Why the order moved, or what a request says about it."""

    NOT_STARTED = "not_started"
    SERVICE_UNAVAILABLE = "service_unavailable"
    SYSTEM_ERROR = "system_error"
    CANNOT_COMPLETE = "cannot_complete"
    SERVICE_DISCONTINUED = "service_discontinued"
    TARGET_UNAVAILABLE = "target_unavailable"
    INVALID_TARGET = "invalid_target"
    DROPPED = "dropped"
    PLATFORM_DELAY = "platform_delay"
    CHANGE_OF_MIND = "change_of_mind"
    TERMS_VIOLATION = "terms_violation"
    PROVIDER_CANCELED = "provider_canceled"
    STAFF_CANCELED = "staff_canceled"
    DELIVERED = "delivered"
    CORRECTION = "correction"


class Initiator(StrEnum):
    """Who moved the order, or who asks."""

    CUSTOMER = "customer"
    STAFF = "staff"
    PROVIDER = "provider"
    SYSTEM = "system"


class Terms(StrEnum):
    """What the customer was told about the service before ordering."""

    STANDARD = "standard"
    NO_REFUND_AFTER_START = "no_refund_after_start"


class Standing(StrEnum):
    """How the customer stands with us."""

    CLEAR = "clear"
    ABUSE_FLAGGED = "abuse_flagged"
    FRAUD_SUSPECTED = "fraud_suspected"


class SincePlaced(StrEnum):
    """Age of the order since it was placed."""

    WITHIN_HOUR = "within_hour"
    WITHIN_DAY = "within_day"
    WITHIN_MONTH = "within_month"
    OLDER = "older"


class SinceFinal(StrEnum):
    """Age of the order since it first became final."""

    NOT_FINAL = "not_final"
    WITHIN_DAY = "within_day"
    WITHIN_MONTH = "within_month"
    OLDER = "older"


class Refill(StrEnum):
    """Whether what went away can be delivered again instead of being refunded."""

    NOT_OFFERED = "not_offered"
    AVAILABLE = "available"
    RUNNING = "running"
    REFUSED = "refused"


VOCABULARY: Final[Mapping[str, type[StrEnum]]] = {
    "status": Status,
    "delivery": Delivery,
    "cause": Cause,
    "initiator": Initiator,
    "terms": Terms,
    "standing": Standing,
    "since_placed": SincePlaced,
    "since_final": SinceFinal,
    "refill": Refill,
}
"""The facts by name, in the order that documents and reports use."""

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MONTH: Final = timedelta(days=30)
DAY_HOURS: Final = DAY // HOUR
MONTH_HOURS: Final = MONTH // HOUR

# What was stored before the vocabulary grew says nothing about these.
_ADDED: Final = {"refill": Refill.NOT_OFFERED.value, "service": "0", "category": "0"}
_OLDEST: Final = {
    SinceFinal.NOT_FINAL: "",
    SinceFinal.WITHIN_DAY: str(DAY_HOURS),
    SinceFinal.WITHIN_MONTH: str(MONTH_HOURS),
    SinceFinal.OLDER: str(MONTH_HOURS + 1),
}


class FactsInvalid(Refused):
    """Stored or given facts are not of the vocabulary, or amounts that can't be an order's."""

    code = "facts_invalid"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts by which an order is judged.

    Attributes:
        hours_since_final: whole hours since the order first ended, rounded up, so that a window of 72 hours covers
            exactly those up to 72; None while it is open.
        service: the number of the service, 0 when it does not matter.
        category: the number of the service's category at placement, 0 when it does not matter.
    """

    status: Status
    delivery: Delivery
    cause: Cause
    initiator: Initiator
    terms: Terms = Terms.STANDARD
    standing: Standing = Standing.CLEAR
    since_placed: SincePlaced = SincePlaced.WITHIN_HOUR
    hours_since_final: int | None = None
    refill: Refill = Refill.NOT_OFFERED
    service: int = 0
    category: int = 0

    @property
    def since_final(self) -> SinceFinal:
        """The bucket of `hours_since_final`."""
        return since_final(self.hours_since_final)

    def as_dict(self) -> dict[str, str]:
        """Return plain strings by fact name, ready for JSON; `from_dict` reads them back."""
        hours = self.hours_since_final
        return {
            **{name: str(getattr(self, name)) for name in VOCABULARY},
            "hours_since_final": "" if hours is None else str(hours),
            "service": str(self.service),
            "category": str(self.category),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, str]) -> "Facts":
        """Read what `as_dict` wrote, also before there were refills, scopes and exact hours.

        Raises FactsInvalid, naming the fact.
        """
        given = {**_ADDED, **stored}
        if "since_final" in given and "hours_since_final" not in given:
            given["hours_since_final"] = _OLDEST.get(SinceFinal(given["since_final"]), "")
        if given.keys() != _STORED:
            wrong = ", ".join(sorted(given.keys() ^ _STORED))
            message = f"facts must be exactly {', '.join(sorted(_STORED))}; missing or unknown: {wrong}"
            raise FactsInvalid(message)
        try:
            hours = given["hours_since_final"]
            found = cls(
                status=Status(given["status"]),
                delivery=Delivery(given["delivery"]),
                cause=Cause(given["cause"]),
                initiator=Initiator(given["initiator"]),
                terms=Terms(given["terms"]),
                standing=Standing(given["standing"]),
                since_placed=SincePlaced(given["since_placed"]),
                hours_since_final=int(hours) if hours else None,
                refill=Refill(given["refill"]),
                service=int(given["service"]),
                category=int(given["category"]),
            )
            if found.since_final is not SinceFinal(given["since_final"]):
                message = f"since_final is {given['since_final']} but hours_since_final is {hours or 'empty'}"
                raise FactsInvalid(message)
        except ValueError as error:
            message = f"facts hold a value that the vocabulary does not have: {error}"
            raise FactsInvalid(message) from error
        return found


_STORED: Final = {*VOCABULARY, "hours_since_final", "service", "category"}


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the order cost and how much of it is undelivered.

    Attributes:
        charge: what was charged at placement, at the panel's money scale, >= 0.
        quantity: units ordered, > 0.
        remains: units not delivered, 0 <= remains <= quantity.

    Raises FactsInvalid when they are not so; nothing is clamped.
    """

    charge: Decimal
    quantity: int
    remains: int

    def __post_init__(self) -> None:
        if type(self.quantity) is not int or self.quantity <= 0:
            message = f"quantity must be a whole number above 0, not {self.quantity!r}"
            raise FactsInvalid(message, field="quantity")
        if type(self.remains) is not int or not 0 <= self.remains <= self.quantity:
            message = f"remains must be a whole number from 0 to the quantity {self.quantity}, not {self.remains!r}"
            raise FactsInvalid(message, field="remains")
        if not isinstance(self.charge, Decimal) or not self.charge.is_finite() or self.charge < 0:
            message = f"charge must be a Decimal of 0 or more, not {self.charge!r}"
            raise FactsInvalid(message, field="charge")
        try:
            money.exact(self.charge)
        except money.NotMoney as error:
            raise FactsInvalid(str(error), field="charge") from error


def delivery_of(quantity: int, remains: int) -> Delivery:
    """Say how much was delivered when `remains` of `quantity` units are not; the same limits as Amounts."""
    if quantity <= 0 or not 0 <= remains <= quantity:
        message = f"{remains} of {quantity} units can't remain"
        raise FactsInvalid(message, field="remains")
    if remains == quantity:
        return Delivery.NONE
    return Delivery.ALL if remains == 0 else Delivery.SOME


def since_placed(age: timedelta) -> SincePlaced:
    """Bucket an age; a boundary belongs to the younger bucket: exactly one hour is `within_hour`; a month is 30 days.

    A negative age (two machines' clocks differ) counts as zero.
    """
    if age <= HOUR:
        return SincePlaced.WITHIN_HOUR
    if age <= DAY:
        return SincePlaced.WITHIN_DAY
    return SincePlaced.WITHIN_MONTH if age <= MONTH else SincePlaced.OLDER


def hours_since_final(age: timedelta | None) -> int | None:
    """Return the whole hours since the order ended, rounded up; None while it is open. Negative ages count as zero."""
    if age is None:
        return None
    return max(-(-age // HOUR), 0)


def since_final(hours: int | None) -> SinceFinal:
    """Bucket the hours since the order became final; None while it is open. Boundaries as in `since_placed`."""
    if hours is None:
        return SinceFinal.NOT_FINAL
    if hours <= DAY_HOURS:
        return SinceFinal.WITHIN_DAY
    return SinceFinal.WITHIN_MONTH if hours <= MONTH_HOURS else SinceFinal.OLDER
