"""What orders ask of the refunds room: the one upward step, by names in the settings (docs/adr).

`ORDER_SETTLEMENT` names the function that settles moves; `ORDER_POLICY` the module that answers for policy versions.
"""

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from orders.lifecycle import Moved
    from orders.models import OrderStatus, Terms
    from panel.accounts.models import Standing


class OrderPolicy(Protocol):
    """The module named by `ORDER_POLICY`."""

    def version_in_force(self, at: datetime, group: int | None) -> int:
        """Return the number of the policy version that orders placed at `at` by customers of this group carry.

        Raises Refused when none is.
        """

    def customer_may_cancel(self, version: int, status: "OrderStatus") -> bool:
        """Whether the policy lets a customer cancel an order in this status himself."""

    def customer_may_ask_to_cancel(self, version: int, status: "OrderStatus") -> bool:
        """Whether the policy lets a customer ask the provider to cancel an order in this status."""

    def cancel_refusal(self, version: int) -> str:
        """Return the sentence for a customer who may not cancel."""

    def order_note(self, version: int, terms: "Terms", standing: "Standing") -> tuple[str, ...]:
        """Return the lines shown beside the Order button to a customer of this standing."""


def settle(moved: Sequence["Moved"], at: datetime) -> None:
    """Decide and book the money of these moves in the transaction that is open."""
    import_string(settings.ORDER_SETTLEMENT)(moved, at)


def policy() -> OrderPolicy:
    """Return the module that answers for policies."""
    return cast("OrderPolicy", import_module(settings.ORDER_POLICY))
