"""Taking over a provider's price list: what would change, then the change.

The first import makes a service; later ones follow its price, limits and flags. Name, category, description and
position are the operator's after that. Nothing is deleted, and nothing is switched on again by itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

from django.db import transaction

from orders.fulfilment import client, connecting
from orders.fulfilment.client import OfferedService, UnreadableService
from orders.fulfilment.transport import UNPRINTABLE
from orders.models import Category, Provider, Service, ServiceType
from panel.kernel import money
from panel.kernel.errors import Refused

LARGEST_QUANTITY: Final = 1_000_000_000
LONGEST_NUMBER: Final = 60
HIGHEST_MARKUP: Final = 1000
_PRECISION: Final = 60
_UPDATED: Final = ("rate", "min_quantity", "max_quantity", "allows_refill", "allows_cancel", "is_active")


class Kind(StrEnum):
    """What happens to one service of the list."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    OFF = "off"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an import: the provider's number and name, and in words what changes or why it doesn't."""

    kind: Kind
    number: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What follows the provider: rate at the money scale with the markup on it, limits in units, flags."""

    type: ServiceType
    rate: Decimal
    minimum: int
    maximum: int
    refill: bool
    cancel: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do. `changes` is for people; the rest is what `carry_out` writes."""

    provider: Provider
    changes: tuple[Change, ...]
    new: tuple[tuple[OfferedService, Terms], ...]
    terms: dict[str, Terms]
    vanished: frozenset[str]


def parse_markup(text: str) -> Decimal:
    """Read the factor that the provider's rates are multiplied by, such as `1.3`. Raises Refused."""
    try:
        markup = money.parse(text)
    except money.NotMoney as error:
        raise Refused("Give the markup as a factor in plain digits, such as 1.3.", field="markup") from error
    if not 0 < markup <= HIGHEST_MARKUP:
        message = f"The markup must be above 0 and at most {HIGHEST_MARKUP}."
        raise Refused(message, field="markup")
    return markup


def plan(*, provider: Provider, markup: Decimal) -> Plan:
    """Ask the provider for its price list and compare it with the catalog; nothing is written.

    Only the types Default and Package are taken. Services that are not in the list any more are switched off: their
    orders could only be refused.

    Raises client.ProviderUnreachable, client.RefusedByProvider, Refused (an empty list: more likely a fault than the
    end of everything it sells).
    """
    offered = client.services(connecting.to(provider))
    if not offered:
        raise Refused("The provider's price list is empty; nothing was changed.")
    known = _known(provider)
    changes: list[Change] = []
    new: list[tuple[OfferedService, Terms]] = []
    terms: dict[str, Terms] = {}
    for row in offered:
        found = _terms(row, markup)
        if isinstance(found, str) or not isinstance(row, OfferedService):
            changes.append(Change(Kind.LEFT_OUT, row.service_id, _name(row), str(found)))
        elif row.service_id in terms:
            changes.append(Change(Kind.LEFT_OUT, row.service_id, _name(row), "stands in the list twice"))
        elif row.service_id not in known:
            terms[row.service_id] = found
            new.append((row, found))
            changes.append(Change(Kind.NEW, row.service_id, _name(row), _worded(found)))
        else:
            terms[row.service_id] = found
            changes += [_compared(row, found, service) for service in known[row.service_id]]
    vanished = known.keys() - {row.service_id for row in offered}
    changes += [
        Change(Kind.OFF, service.provider_service_id, service.name, "not in the provider's list any more")
        for number in sorted(vanished)
        for service in known[number]
        if service.is_active
    ]
    return Plan(provider, tuple(changes), tuple(new), terms, frozenset(vanished))


def carry_out(planned: Plan) -> None:
    """Write what a plan says, all or nothing; services that were changed meanwhile get the plan's terms."""
    with transaction.atomic(durable=True):
        existing = list(Service.objects.select_for_update(no_key=True).filter(provider=planned.provider).order_by("pk"))
        numbers = {service.provider_service_id for service in existing}
        for service in existing:
            terms = planned.terms.get(service.provider_service_id)
            if service.provider_service_id in planned.vanished:
                service.is_active = False
            elif terms is not None and service.type == terms.type:
                _apply(service, terms)
        Service.objects.bulk_update(existing, _UPDATED, batch_size=500)
        new = [(offer, terms) for offer, terms in planned.new if offer.service_id not in numbers]
        categories = _categories(offer.category for offer, _ in new)
        Service.objects.bulk_create(
            [_service(planned.provider, offer, terms, categories) for offer, terms in new], batch_size=500
        )


def _known(provider: Provider) -> dict[str, list[Service]]:
    known: dict[str, list[Service]] = defaultdict(list)
    for service in Service.objects.filter(provider=provider).order_by("pk"):
        known[service.provider_service_id].append(service)
    return dict(known)


def _terms(row: OfferedService | UnreadableService, markup: Decimal) -> Terms | str:
    """Return the terms of a row that can be sold here, or why it can't."""
    if isinstance(row, UnreadableService):
        return row.detail
    with localcontext(prec=_PRECISION):
        rate = money.round_half_up(row.rate * markup)
    maximum = min(row.maximum, LARGEST_QUANTITY)
    minimum = max(row.minimum, 1)
    problems = {
        f"type {row.type[:40]} is not sold here": row.type not in ServiceType.values,
        "its number is too long": len(row.service_id) > LONGEST_NUMBER,
        "its rate comes to nothing or too much": not 0 < rate <= money.MAXIMUM,
        "its limits hold no quantity": not minimum <= maximum,
        "a package has one size": row.type == ServiceType.PACKAGE and minimum != maximum,
    }
    if wrong := [sentence for sentence, applies in problems.items() if applies]:
        return "; ".join(wrong)
    return Terms(ServiceType(row.type), rate, minimum, maximum, row.refill, row.cancel)


def _compared(row: OfferedService, terms: Terms, service: Service) -> Change:
    """Return the line for a service that is here already."""
    if service.type != terms.type:
        return Change(Kind.LEFT_OUT, row.service_id, service.name, f"was {service.type}, is now {terms.type}")
    pairs = {
        "rate": (money.plain(service.rate), money.plain(terms.rate)),
        "min": (service.min_quantity, terms.minimum),
        "max": (service.max_quantity, terms.maximum),
        "refill": (_yes(service.allows_refill), _yes(terms.refill)),
        "cancel": (_yes(service.allows_cancel), _yes(terms.cancel)),
    }
    parts = [f"{name} {old} → {new}" for name, (old, new) in pairs.items() if old != new]
    off = [] if service.is_active else ["switched off here, stays off"]
    kind = Kind.CHANGED if parts else Kind.SAME
    return Change(kind, row.service_id, service.name, ", ".join(parts + off))


def _apply(service: Service, terms: Terms) -> None:
    service.rate = terms.rate
    service.min_quantity = terms.minimum
    service.max_quantity = terms.maximum
    service.allows_refill = terms.refill
    service.allows_cancel = terms.cancel


def _categories(names: Iterable[str]) -> dict[str, Category]:
    """Return the categories of these names, made where they are missing."""
    wanted = list(dict.fromkeys(_shelf(name) for name in names))
    Category.objects.bulk_create([Category(name=name) for name in wanted], ignore_conflicts=True)
    return {category.name: category for category in Category.objects.filter(name__in=wanted)}


def _service(provider: Provider, offer: OfferedService, terms: Terms, categories: dict[str, Category]) -> Service:
    service = Service(
        category=categories[_shelf(offer.category)],
        name=_name(offer),
        type=offer.type,
        provider=provider,
        provider_service_id=offer.service_id,
    )
    _apply(service, terms)
    return service


def _name(row: OfferedService | UnreadableService) -> str:
    return UNPRINTABLE.sub(" ", row.name).strip()[:200] if isinstance(row, OfferedService) else ""


def _shelf(name: str) -> str:
    return UNPRINTABLE.sub(" ", name).strip()[:100].strip() or "Other"


def _worded(terms: Terms) -> str:
    return f"rate {money.plain(terms.rate)}, {terms.minimum} to {terms.maximum}"


def _yes(flag: object) -> str:
    return "yes" if flag else "no"


def counted(changes: Sequence[Change]) -> dict[Kind, int]:
    """Return how many lines there are of each kind."""
    return {kind: sum(change.kind is kind for change in changes) for kind in Kind}
