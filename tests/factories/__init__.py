"""Named people and things for tests, made through the use cases wherever money moves."""

from tests.factories.catalog import make_package, make_provider, make_service
from tests.factories.disputes import disputed, move_dispute, open_dispute, take_in
from tests.factories.orders import AT, move, place_order
from tests.factories.payments import HOUR, only_leg, open_deposit, pay_in, receive_by_hand, send_due, withdraw
from tests.factories.people import fund, make_customer, make_staff

__all__ = [
    "AT",
    "HOUR",
    "disputed",
    "fund",
    "make_customer",
    "make_package",
    "make_provider",
    "make_service",
    "make_staff",
    "move",
    "move_dispute",
    "only_leg",
    "open_deposit",
    "open_dispute",
    "pay_in",
    "place_order",
    "receive_by_hand",
    "send_due",
    "take_in",
    "withdraw",
]
