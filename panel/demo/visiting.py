"""Where the demo's customers come from: addresses of the range that is kept for documentation (RFC 5737)."""

from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Final

from panel.accounts import sign_ins
from panel.accounts.models import SignInWay, User

_NETWORK: Final = IPv4Network("203.0.113.0/24")
_BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_BEFORE: Final = timedelta(minutes=4)


def address_of(customer: User) -> str:
    """Return where this customer is at home: the same in every load."""
    return str(_NETWORK[1 + customer.pk % 254])


def sign_in(customer: User, *, at: datetime) -> None:
    """Keep that the customer signed in shortly before an order of `at`."""
    sign_ins.record(
        user=customer,
        way=SignInWay.PASSWORD,
        address=address_of(customer),
        user_agent=_BROWSER,
        at=at - _BEFORE,
    )
