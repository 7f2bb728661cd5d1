"""`refill` and `refill_status`: words of the contract that this panel doesn't act on."""

from typing import NoReturn

from orders.api_v2.call import Call
from orders.api_v2.parameters import Malformed


def refill(call: Call) -> NoReturn:
    """Refuse: no refill is taken over the API, and an accepted one that nobody carries out would be a lie.

    Raises Malformed.
    """
    del call
    raise Malformed("Refills can't be asked for over the API.", field="action")
