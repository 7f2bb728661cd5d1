"""One rule of a policy: the facts it covers, what follows, and its words."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from panel.kernel import money
from refunds.policy.matching import Condition


class Refund(StrEnum):
    """How much of the charge is owed back, before a cap or a fee."""

    FULL = "full"
    UNDELIVERED = "undelivered"
    NONE = "none"


class Approval(StrEnum):
    """Whether it is settled at once, or a person looks first."""

    AUTOMATIC = "automatic"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of an amount: hundredths of a per cent of it, or a fixed sum (money scale). One of them is None."""

    basis_points: int | None = None
    sum: Decimal | None = None

    def of(self, amount: Decimal) -> Decimal:
        """Return this part of the amount, a percentage rounded down; a fixed sum may be larger than the amount."""
        if self.sum is not None:
            return self.sum
        return money.share(amount, self.basis_points or 0, _WHOLE)

    def words(self, currency: str) -> str:
        """Say it for people: `12.5 %` or `1,000.50 USD`."""
        return self.written if self.sum is None else money.display(self.sum, currency)

    @property
    def written(self) -> str:
        """As a document has it: `12.5 %` or `1000.50`."""
        if self.sum is not None:
            return money.plain(self.sum)
        percent = Decimal(self.basis_points or 0) / 100
        return f"{percent.normalize():f} %"


_WHOLE = 10_000


@dataclass(frozen=True)
class Clause:
    """One rule.

    Attributes:
        when: the facts it covers. Covers everything for the default only.
        refund: what is owed, before `cap` and `fee`.
        cap: the most that is owed: a part of the charge, or a sum.
        fee: what is kept of what is owed: a part of it, or a sum.
        keeps_undelivered: says expressly that money for undelivered work of ended orders may be kept.
        text: the rule for the public page.
        because: the reason as the end of a sentence, starting in lower case and without a full stop.
        passage: the passage of the source that the rule comes from.
        group: the heading under which the public page shows it.
    """

    id: str
    group: str
    when: Condition
    refund: Refund
    approval: Approval
    text: str
    because: str
    passage: str
    cap: Portion | None = None
    fee: Portion | None = None
    keeps_undelivered: bool = False
