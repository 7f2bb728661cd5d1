"""What orders ask of the refunds room: the one upward step, by names in the settings (docs/adr).

`ORDER_SETTLEMENT` names the function that settles moves; `ORDER_POLICY` the module that answers for policy versions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from orders.lifecycle import Moved
    from orders.models import Order, OrderStatus, Service
    from panel.accounts.models import Standing


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What the policy gives back in one case, for as long as it does so.

    Attributes:
        refund: `full`, `undelivered` or `none`, before the cap and the fee.
        approval: `automatic`, or `review` when a person looks first.
        cap, fee: a percentage such as `2.5%` or an amount such as `10.00`; empty when there is none.
        within_hours: for how long; None for good.
    """

    refund: str
    approval: str
    cap: str
    fee: str
    within_hours: int | None


@dataclass(frozen=True, slots=True)
class RefundCase:
    """A case that an order may come to, such as `partial`, and the answers to it as time goes on.

    Attributes:
        answers: none when the case can't come about.
        age_of_order_matters: for orders of another age the policy gives more.
    """

    name: str
    answers: tuple[RefundAnswer, ...]
    age_of_order_matters: bool


@dataclass(frozen=True, slots=True, eq=False)
class OrderNote:
    """What is refunded for a service: the note beside the Order button, and the same for machines.

    Equal only to itself: services that the policy treats alike share one.

    Attributes:
        lines: short sentences.
        ends_with_start: whether nothing is refunded once delivery has begun.
        scope: what the policy calls the part of the catalog that the service is in; empty when it tells none apart.
        fingerprint: changes when the lines do.
    """

    lines: tuple[str, ...]
    cases: tuple[RefundCase, ...]
    ends_with_start: bool
    scope: str
    fingerprint: str


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

    def cancel_refusal(self, order: "Order") -> str:
        """Return the sentence for a customer who may not cancel this order."""

    def order_notes(self, version: int, services: "Iterable[Service]", standing: "Standing") -> list[OrderNote]:
        """Return what is refunded for each of the services to a customer of this standing; quick for thousands."""


def settle(moved: Sequence["Moved"], at: datetime) -> None:
    """Decide and book the money of these moves in the transaction that is open."""
    import_string(settings.ORDER_SETTLEMENT)(moved, at)


def policy() -> OrderPolicy:
    """Return the module that answers for policies."""
    return cast("OrderPolicy", import_module(settings.ORDER_POLICY))
