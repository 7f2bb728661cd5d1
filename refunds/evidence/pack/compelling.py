"""Earlier undisputed payments that could serve as compelling evidence, and what each shares with the disputed one.

Visa's rule (Compelling Evidence 3.0, reason 10.4): two or more payments with the same method, more than 120 and at
most 365 days before the dispute, themselves never disputed, sharing two elements of which one is address or device.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

NEEDED: Final = 2
YOUNGEST: Final = timedelta(days=120)
OLDEST: Final = timedelta(days=365)
REASON: Final = "10.4"
_ELEMENTS_NEEDED: Final = 2


class Element(StrEnum):
    """What two payments may share. The value is what people read."""

    ACCOUNT = "account"
    EMAIL = "e-mail address"
    METHOD = "payment method"
    ADDRESS = "internet address"
    DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A payment and what is known of how it was made; what is not known is empty and matches nothing.

    Attributes:
        method: the gateway's fingerprint of card or account, or else what identifies it best.
        device: what the browser called itself at the last sign-in before.
        undisputed: neither disputed nor warned about.
    """

    number: int
    paid_at: datetime
    undisputed: bool
    account: int
    email: str
    method: str
    address: str
    device: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An earlier payment, what it shares, and why it can't serve; `obstacle` is empty when it can."""

    payment: Made
    shared: tuple[Element, ...]
    obstacle: str

    @property
    def serves(self) -> bool:
        """Whether it counts."""
        return not self.obstacle


@dataclass(frozen=True, slots=True)
class Compelling:
    """All earlier payments: those that count, then the others, each the newest first.

    Attributes:
        applies: whether the dispute's reason is the one that the rule is for.
    """

    candidates: tuple[Candidate, ...]
    applies: bool

    @property
    def serving(self) -> tuple[Candidate, ...]:
        """Those that count."""
        return tuple(candidate for candidate in self.candidates if candidate.serves)

    @property
    def is_enough(self) -> bool:
        """Whether the rule is met."""
        return self.applies and len(self.serving) >= NEEDED


def find(disputed: Made, earlier: Iterable[Made], *, opened_at: datetime, reason_code: str) -> Compelling:
    """Return the payments that were made before the disputed one, with what they share with it."""
    before = [made for made in earlier if made.number != disputed.number and made.paid_at < disputed.paid_at]
    before.sort(key=lambda made: (made.paid_at, made.number), reverse=True)
    candidates = [_candidate(disputed, made, opened_at) for made in before]
    candidates.sort(key=lambda candidate: not candidate.serves)
    return Compelling(tuple(candidates), applies=reason_code.strip() == REASON)


def _candidate(disputed: Made, made: Made, opened_at: datetime) -> Candidate:
    pairs = (
        (Element.ACCOUNT, disputed.account, made.account),
        (Element.EMAIL, disputed.email.lower(), made.email.lower()),
        (Element.METHOD, disputed.method, made.method),
        (Element.ADDRESS, disputed.address, made.address),
        (Element.DEVICE, disputed.device, made.device),
    )
    shared = tuple(element for element, ours, theirs in pairs if ours and ours == theirs)
    return Candidate(made, shared, _obstacle(made, shared, opened_at - made.paid_at))


def _obstacle(made: Made, shared: tuple[Element, ...], age: timedelta) -> str:
    if not made.undisputed:
        return "disputed or warned about"
    if age <= YOUNGEST:
        return f"not older than {YOUNGEST.days} days"
    if age > OLDEST:
        return f"older than {OLDEST.days} days"
    if Element.METHOD not in shared:
        return "another payment method"
    if not {Element.ADDRESS, Element.DEVICE} & set(shared):
        return "neither internet address nor device is the same"
    beside = set(shared) - {Element.METHOD}
    return "" if len(beside) >= _ELEMENTS_NEEDED else "too little in common"
