"""What the sandbox provider sells: a dozen genuine marketing services, cheaper than a panel would retail them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from panel.kernel import money

DEFAULT: Final = "Default"
PACKAGE: Final = "Package"
PER_THOUSAND: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One service: `rate` is USD per 1,000 units, or for the whole of a package; a package has quantity 1."""

    service: int
    name: str
    category: str
    rate: Decimal
    minimum: int
    maximum: int
    type: str = DEFAULT
    cancelable: bool = True
    refillable: bool = False

    def charge(self, quantity: int) -> Decimal:
        """Return what `quantity` units (or the package) cost, in USD."""
        return money.price(self.rate, quantity, per=1 if self.type == PACKAGE else PER_THOUSAND)

    def row(self) -> dict[str, object]:
        """Return the row of the `services` answer: service a number, rate and limits strings, flags booleans."""
        return {
            "service": self.service,
            "name": self.name,
            "type": self.type,
            "category": self.category,
            "rate": money.plain(self.rate),
            "min": str(self.minimum),
            "max": str(self.maximum),
            "refill": self.refillable,
            "cancel": self.cancelable,
            "dripfeed": False,
        }


def _units(
    service: int, category: str, name: str, rate: str, minimum: int, maximum: int, *, refillable: bool = False
) -> Offer:
    return Offer(
        service=service,
        category=category,
        name=name,
        rate=Decimal(rate),
        minimum=minimum,
        maximum=maximum,
        refillable=refillable,
    )


def _package(service: int, category: str, name: str, rate: str) -> Offer:
    return Offer(
        service=service,
        category=category,
        name=name,
        rate=Decimal(rate),
        minimum=1,
        maximum=1,
        type=PACKAGE,
        cancelable=False,
    )


_REACH: Final = "Promoted reach"
_CREATORS: Final = "Creator placements"
_LETTERS: Final = "Newsletter spots"
_COMMUNITY: Final = "Community work"
_TRAFFIC: Final = "Traffic campaigns"

OFFERS: Final = (
    _units(101, _REACH, "Feed ads: impressions of a promoted post", "1.15", 1000, 1_000_000, refillable=True),
    _units(102, _REACH, "In-stream video ads: paid views of a promoted video", "4.10", 500, 250_000, refillable=True),
    _units(103, _REACH, "Display ads: impressions on news and hobby sites", "0.62", 1000, 2_000_000, refillable=True),
    _units(104, _REACH, "Local ads: impressions within 25 km of an address", "2.35", 500, 100_000),
    _units(201, _CREATORS, "Creator network: reach of labeled sponsored mentions", "8.40", 500, 100_000),
    _package(202, _CREATORS, "Creator story: one labeled placement, 24 hours", "36.00"),
    _units(301, _LETTERS, "Newsletter classified: opens by opted-in readers", "11.20", 250, 40_000),
    _package(302, _LETTERS, "Newsletter sponsor spot: technology weekly, one issue", "62.50"),
    _units(401, _COMMUNITY, "Event invitations to opted-in community members", "5.70", 100, 20_000),
    _package(402, _COMMUNITY, "Hosted question-and-answer evening with a moderator", "88.00"),
    _units(501, _TRAFFIC, "Native ad campaign: visits to a page", "16.80", 100, 50_000, refillable=True),
    _units(502, _TRAFFIC, "Search ad campaign: visits to a page", "41.00", 50, 20_000),
)
BY_NUMBER: Final = {offer.service: offer for offer in OFFERS}
