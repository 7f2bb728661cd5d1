"""What an order costs."""

from decimal import Decimal

from orders.models import Service, ServiceType
from panel.kernel import money

UNITS_OF_A_RATE = 1000


def charge(service: Service, quantity: int) -> Decimal:
    """Return the charge for `quantity` units at today's rate, half up at the money scale.

    A rate is the price of 1,000 units, or of the whole package.
    """
    if service.type == ServiceType.PACKAGE:
        return money.exact(service.rate)
    return money.price(service.rate, quantity, per=UNITS_OF_A_RATE)
