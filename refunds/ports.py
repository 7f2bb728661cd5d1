"""What the refunds room asks of the support room, by a name in the settings: who wrote to whom about what.

`CONVERSATIONS` names the module that answers. A second upward step beside orders.ports (docs/adr/0020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation with a customer.

    Attributes:
        ticket: the conversation's number; `about` its subject, `kind` what the customer said that it is about.
        order_ref: the order that it is about, if any.
        by_customer: who wrote it.
    """

    ticket: int
    about: str
    kind: str
    order_ref: int | None
    by_customer: bool
    text: str
    at: datetime


class Conversations(Protocol):
    """The module named by `CONVERSATIONS`."""

    def with_customer(self, customer_id: int, *, since: datetime, until: datetime) -> Sequence[Said]:
        """Return what was written to and by a customer in `[since, until)`, oldest first; never notes among staff."""


def conversations() -> Conversations:
    """Return the module that answers for conversations."""
    return cast("Conversations", import_module(settings.CONVERSATIONS))
