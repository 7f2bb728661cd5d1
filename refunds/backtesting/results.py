"""What a backtest comes to: sums by clause, service, month and standing, and the orders that change most."""

import heapq
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from panel.kernel import money
from refunds.policy.clauses import Approval
from refunds.policy.document import Policy

LARGEST: Final = 50
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(slots=True)
class Sums:
    """Orders added up. Money scale.

    Attributes:
        changed: orders for which the policy would have paid another amount.
        paid: what was refunded.
        candidate: what the policy would have refunded, with what people decided where it asks people too.
        waiting: what it would leave to a person, at most, where nobody has looked.
        more, less: the changes above and below zero; `candidate - paid` is their sum.
    """

    orders: int = 0
    changed: int = 0
    paid: Decimal = money.ZERO
    candidate: Decimal = money.ZERO
    waiting: Decimal = money.ZERO
    more: Decimal = money.ZERO
    less: Decimal = money.ZERO

    def add(self, other: "Sums") -> None:
        """Add other orders to these."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def change(self) -> Decimal:
        """What the policy would have paid more, or less, in all."""
        return self.candidate - self.paid

    def as_dict(self) -> dict[str, int | str]:
        """Return it ready for JSON, amounts as plain text."""
        of = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value if isinstance(value, int) else _text(value) for name, value in of.items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Sums":
        """Read what `as_dict` wrote."""
        amounts = (Decimal(stored[name]) for name in ("paid", "candidate", "waiting", "more", "less"))
        return cls(int(stored["orders"]), int(stored["changed"]), *amounts)


@dataclass(frozen=True, slots=True)
class OrderChange:
    """One order that would have come out otherwise. Money scale; clauses by their ids."""

    order: int
    service: int
    clause_before: str
    clause_after: str
    paid: Decimal
    candidate: Decimal
    waiting: Decimal

    @property
    def change(self) -> Decimal:
        """What the policy would have paid more, or less."""
        return self.candidate - self.paid


def why_waiting(policy: Policy, order: OrderChange) -> str:
    """Say why the policy that was tried leaves money of an order to a person; empty when it leaves none."""
    if order.waiting <= 0:
        return ""
    if any(clause.id == order.clause_after and clause.approval is Approval.REVIEW for clause in policy.rules):
        return "waits: its clause has a person look"
    limit = policy.review.confirm_above
    if limit is not None and order.waiting > limit:
        return "needs a second person (confirm_above)"
    return "waits: people decide, as they did before or by several steps (confirm_above)"


@dataclass(slots=True)
class Result:
    """A whole backtest.

    Attributes:
        since, until: orders placed from the first to before the second.
        read_at: the moment of the data.
        by_clause: by the clause that decided last, and the one that would have.
        by_service, by_standing: by the service's number; by how the customer stood at the last decision.
        by_month: by month of placing in the panel's zone, as `2026-03`.
        largest: the orders with the largest change, largest first.
    """

    policy_hash: str
    since: datetime
    until: datetime
    read_at: datetime
    total: Sums = field(default_factory=Sums)
    by_clause: dict[tuple[str, str], Sums] = field(default_factory=dict)
    by_service: dict[int, Sums] = field(default_factory=dict)
    by_month: dict[str, Sums] = field(default_factory=dict)
    by_standing: dict[str, Sums] = field(default_factory=dict)
    largest: list[OrderChange] = field(default_factory=list)

    def add(self, *, clauses: tuple[str, str], service: int, month: str, standing: str, sums: Sums) -> None:
        """Add orders that have all of this in common."""
        self.total.add(sums)
        _add(self.by_clause, clauses, sums)
        _add(self.by_service, service, sums)
        _add(self.by_month, month, sums)
        _add(self.by_standing, standing, sums)

    @property
    def threshold(self) -> Decimal:
        """How large a change has to be to get among the largest; zero while there is room."""
        return abs(self.largest[-1].change) if len(self.largest) == LARGEST else money.ZERO

    def offer(self, orders: Iterable[OrderChange]) -> None:
        """Take in those that are among the largest."""
        self.largest = heapq.nsmallest(LARGEST, [*self.largest, *orders], key=lambda one: (-abs(one.change), one.order))

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON; `from_dict` reads it back."""
        return {
            "policy_hash": self.policy_hash,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "read_at": self.read_at.isoformat(),
            "total": self.total.as_dict(),
            "by_clause": [
                {"before": before, "after": after, **sums.as_dict()}
                for (before, after), sums in _by_change(self.by_clause)
            ],
            "by_service": [{"service": service, **sums.as_dict()} for service, sums in _by_change(self.by_service)],
            "by_month": [{"month": month, **sums.as_dict()} for month, sums in sorted(self.by_month.items())],
            "by_standing": [{"standing": key, **sums.as_dict()} for key, sums in sorted(self.by_standing.items())],
            "largest": [
                {one.name: _plain(getattr(order, one.name)) for one in fields(order)} for order in self.largest
            ],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Result":
        """Read what `as_dict` wrote."""
        return cls(
            policy_hash=stored["policy_hash"],
            since=datetime.fromisoformat(stored["since"]),
            until=datetime.fromisoformat(stored["until"]),
            read_at=datetime.fromisoformat(stored["read_at"]),
            total=Sums.from_dict(stored["total"]),
            by_clause=_read(stored["by_clause"], lambda row: (row.pop("before"), row.pop("after"))),
            by_service=_read(stored["by_service"], lambda row: int(row.pop("service"))),
            by_month=_read(stored["by_month"], lambda row: str(row.pop("month"))),
            by_standing=_read(stored["by_standing"], lambda row: str(row.pop("standing"))),
            largest=[
                OrderChange(**{**row, **{name: Decimal(row[name]) for name in ("paid", "candidate", "waiting")}})
                for row in stored["largest"]
            ],
        )


def _add(table: dict[_Key, Sums], key: _Key, sums: Sums) -> None:
    table.setdefault(key, Sums()).add(sums)


def _by_change(table: Mapping[_Key, Sums]) -> list[tuple[_Key, Sums]]:
    return sorted(table.items(), key=lambda item: (-abs(item[1].change), -item[1].orders))


def _read(rows: Iterable[Mapping[str, Any]], key: Callable[[dict[str, Any]], _Key]) -> dict[_Key, Sums]:
    found: dict[_Key, Sums] = {}
    for stored in rows:
        row = dict(stored)
        found[key(row)] = Sums.from_dict(row)
    return found


def _plain(value: object) -> object:
    return _text(value) if isinstance(value, Decimal) else value


def _text(amount: Decimal) -> str:
    return f"{amount:.{money.PLACES}f}"
