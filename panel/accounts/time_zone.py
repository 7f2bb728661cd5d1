"""Choosing the time zone in which pages and letters show a person's times."""

from panel.accounts.models import User
from panel.kernel import time_zones
from panel.kernel.errors import Refused


class UnknownTimeZone(Refused):
    """There is no time zone of that name."""

    code = "unknown_time_zone"


def choose(*, user: User, name: str) -> None:
    """Keep the person's time zone, such as `Europe/Berlin`; an empty name means the panel's.

    Days that are promised in business days stay the panel's, whoever reads them. Raises UnknownTimeZone.
    """
    if name and time_zones.named(name) is None:
        raise UnknownTimeZone("Choose a time zone from the list.", field="time_zone")
    user.time_zone = name
    user.save(update_fields=["time_zone"])
