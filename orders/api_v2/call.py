"""One call, as every action gets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from panel.accounts.models import User


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, when and where from, and with which parameters (trimmed; absent ones are not in it)."""

    customer: User
    parameters: Mapping[str, str]
    at: datetime
    address: str | None = None
