"""The lines of an order as they come in: checked, each fault named with its field, then priced."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import connection

from orders import pricing
from orders.models import Service, ServiceType
from panel.kernel.errors import NotFound, Refused
from panel.postgres import prepared

MOST_LINES: Final = 1000
LONGEST_LINK: Final = 2000
LONGEST_REQUEST_ID: Final = 100
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_is_url = URLValidator(schemes=["http", "https"])


class UnknownService(NotFound):
    """There is no such service, or it is not sold now."""

    code = "unknown_service"


class BadLine(Refused):
    """Base of what can be wrong with one line; `field` names the parameter."""

    code = "bad_line"


class BadLink(BadLine):
    """The link is missing, too long, or no http(s) address."""

    code = "bad_link"


class BadQuantity(BadLine):
    """The quantity is missing or not a whole number in plain digits."""

    code = "bad_quantity"


class QuantityBelowMinimum(BadLine):
    """Less than the service's minimum."""

    code = "quantity_below_minimum"

    def __init__(self, minimum: int) -> None:
        """Keep the limit for edges that word it themselves."""
        super().__init__(f"The smallest order of this service is {minimum:,} units.", field="quantity")
        self.minimum = minimum


class QuantityAboveMaximum(BadLine):
    """More than the service's maximum."""

    code = "quantity_above_maximum"

    def __init__(self, maximum: int) -> None:
        """Keep the limit for edges that word it themselves."""
        super().__init__(f"The largest order of this service is {maximum:,} units.", field="quantity")
        self.maximum = maximum


class BadRequestId(Refused):
    """A request_id is 1 to 100 printable characters."""

    code = "bad_request_id"


@dataclass(frozen=True, slots=True)
class Line:
    """One wish: a service, a link, and a quantity in units (ignored for packages)."""

    service_id: int
    link: str
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A checked line: the service as it is now, units, and the charge at the money scale."""

    service: Service
    link: str
    quantity: int
    charge: Decimal


def parse_quantity(text: str) -> int:
    """Read a whole number in plain ASCII digits; `1e9`, `NaN`, `10.5` and digits of other scripts are refused.

    Raises BadQuantity.
    """
    candidate = text.strip()
    if not _INTEGER.fullmatch(candidate):
        raise BadQuantity("Give the quantity as a whole number in digits, such as 1000.", field="quantity")
    return int(candidate)


def clean_request_id(text: str) -> str:
    """Return the request_id without surrounding blanks; an empty one stays empty.

    Raises BadRequestId.
    """
    candidate = text.strip()
    if len(candidate) > LONGEST_REQUEST_ID or not candidate.isprintable():
        message = f"A request_id has at most {LONGEST_REQUEST_ID} printable characters."
        raise BadRequestId(message, field="request_id")
    return candidate


def clean_link(text: str) -> str:
    """Return the link without surrounding blanks when it is an http(s) address.

    Raises BadLink.
    """
    candidate = text.strip()
    if not candidate:
        raise BadLink("Give the link that the service is for.", field="link")
    if len(candidate) > LONGEST_LINK:
        message = f"The link is longer than {LONGEST_LINK:,} characters."
        raise BadLink(message, field="link")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in candidate):
        raise BadLink("The link contains characters that can't be seen; type it anew.", field="link")
    try:
        _is_url(candidate)
    except ValidationError as error:
        raise BadLink("Give the whole address, starting with https:// or http://.", field="link") from error
    return candidate


def price(lines: Sequence[Line]) -> list[PricedLine]:
    """Check every line against the catalog of this moment and price it, in one query.

    Raises BadLine, UnknownService.
    """
    if not 1 <= len(lines) <= MOST_LINES:
        message = f"Place between 1 and {MOST_LINES:,} lines at once."
        raise BadLine(message, field="lines")
    wanted = {line.service_id for line in lines if 0 < line.service_id < 2**63}
    services = _on_sale(wanted)
    return [_priced(line, services.get(line.service_id)) for line in lines]


_SERVICE_FIELDS = [field.attname for field in Service._meta.concrete_fields]  # noqa: SLF001 - Django's documented name
_ON_SALE = prepared.Statement(
    "services_on_sale",
    f"""
    SELECT {", ".join(f'"{name}"' for name in _SERVICE_FIELDS)} FROM orders_service
    WHERE id = ANY(%s::bigint[]) AND is_active
    """,  # noqa: S608 - names of our own columns
)


def _on_sale(service_ids: Collection[int]) -> dict[int, Service]:
    """Return those of the services that are sold now, by number."""
    with connection.cursor() as cursor:
        _ON_SALE.run(cursor, [list(service_ids)])
        services = [Service.from_db(connection.alias, _SERVICE_FIELDS, row) for row in cursor.fetchall()]
    return {service.pk: service for service in services}


def _priced(line: Line, service: Service | None) -> PricedLine:
    if service is None:
        raise UnknownService("There is no such service.", field="service")
    link = clean_link(line.link)
    quantity = _quantity(line, service)
    charge = pricing.charge(service, quantity)
    if not charge:
        raise BadQuantity("So few units cost less than the smallest amount of money; order more.", field="quantity")
    return PricedLine(service=service, link=link, quantity=quantity, charge=charge)


def _quantity(line: Line, service: Service) -> int:
    if service.type == ServiceType.PACKAGE:
        return service.min_quantity
    if line.quantity is None:
        raise BadQuantity("Give the quantity.", field="quantity")
    if line.quantity < service.min_quantity:
        raise QuantityBelowMinimum(service.min_quantity)
    if line.quantity > service.max_quantity:
        raise QuantityAboveMaximum(service.max_quantity)
    return line.quantity
