"""What a policy document says, as frozen values. loader.py reads one from TOML; docs/policies.md explains every key.

One document makes the decisions, the note beside the Order button and the public page, so these can't disagree.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Final

from refunds.policy.clauses import Approval, Clause
from refunds.policy.facts import Amounts, Facts, Status
from refunds.policy.matching import Matcher
from refunds.policy.scopes import Scopes

DEFAULT_ID: Final = "default"


class Destination(StrEnum):
    """Where a balance may be paid out to; `balance` means that it stays on the panel."""

    ORIGINAL_METHOD = "original_method"
    BALANCE = "balance"


class OnOpen(StrEnum):
    """What happens to an account when a chargeback is opened."""

    SUSPEND = "suspend"
    NOTHING = "nothing"


class OnLoss(StrEnum):
    """What happens to an account when a chargeback is lost."""

    BAN = "ban"
    STAFF_DECIDES = "staff_decides"
    NOTHING = "nothing"


class OnWin(StrEnum):
    """What happens to a suspended account when a chargeback is won."""

    LIFT = "lift"
    STAFF_DECIDES = "staff_decides"


class Fee(StrEnum):
    """Who bears what the payment processor charges for a lost chargeback."""

    AS_CHARGED = "as_charged"
    NONE = "none"


class OnWarning(StrEnum):
    """What happens when a card's issuer warns of fraud before anybody disputes the payment."""

    REFUND = "refund"
    TELL_STAFF = "tell_staff"
    OBSERVE = "observe"


class Contest(StrEnum):
    """When a chargeback is contested with evidence of delivery."""

    WITHOUT_CONTACT = "without_contact"
    ALWAYS = "always"
    STAFF_DECIDES = "staff_decides"
    NEVER = "never"


@dataclass(frozen=True)
class Withdrawals:
    """Whether and how a balance is paid back. Amounts in the panel's currency; promo money is never paid out."""

    allowed: bool
    destination: Destination
    title: str
    text: str
    passage: str
    minimum: Decimal | None = None
    verify_above: Decimal | None = None
    business_days: tuple[int, int] | None = None
    alternative_method: bool = False


@dataclass(frozen=True)
class Review:
    """Within how many hours (from, to) a person answers a request that is not decided automatically.

    Attributes:
        confirm_above: a larger refund that a person approves needs a second one to confirm it; in the panel's currency.
            None: only overruling the policy does.
    """

    hours: tuple[int, int]
    title: str
    text: str
    passage: str
    confirm_above: Decimal | None = None


@dataclass(frozen=True)
class Abuse:
    """From where on a customer's refund requests count as too many. abuse.py measures; the clauses say what follows.

    Attributes:
        window_days: the days before a request in which requests and orders are counted.
        rate_percent: requests for each hundred orders placed, from `rate_least` requests on.
        same_link: requests about orders for one link.
        soon_hours: how soon after an order was completed a request counts as soon; `soon_claims` such requests.
    """

    window_days: int
    rate_percent: int
    rate_least: int
    same_link: int
    soon_hours: int
    soon_claims: int
    title: str
    text: str
    passage: str


@dataclass(frozen=True)
class Chargebacks:
    """What a dispute at the payment processor leads to."""

    on_open: OnOpen
    on_loss: OnLoss
    on_win: OnWin
    fee: Fee
    contest: Contest
    title: str
    text: str
    passage: str


@dataclass(frozen=True)
class FraudWarnings:
    """What an early fraud warning leads to.

    Attributes:
        refund_up_to: the largest payment that is refunded without a person, in the panel's currency; for `refund` only.
        hold_account: whether the account is suspended when its payment is refunded without a person.
        title, text, passage: for the public page; empty when it says nothing of warnings.
    """

    action: OnWarning
    refund_up_to: Decimal | None = None
    hold_account: bool = False
    title: str = ""
    text: str = ""
    passage: str = ""


_STAFF_ARE_TOLD: Final = FraudWarnings(OnWarning.TELL_STAFF)


@dataclass(frozen=True)
class Contact:
    """How soon support answers and what to write. The address itself is a setting of the panel."""

    response_hours: int
    title: str
    text: str
    passage: str


@dataclass(frozen=True)
class Section:
    """Free text for the public page: paragraphs, then points, then numbered steps."""

    id: str
    title: str
    text: str
    passage: str
    points: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """An order as it may stand and what the policy has to say about it; publishing tries all of them.

    Attributes:
        owed: expected in total, at the money scale.
    """

    name: str
    facts: Facts
    amounts: Amounts
    clause: str
    approval: Approval
    owed: Decimal


@dataclass(frozen=True)
class Policy:
    """A whole refund policy.

    Attributes:
        customer_group: slug of the group of customers that it is for; empty for all whose group has none of its own.
        scopes: the parts of the catalog that its clauses tell apart.
        examples: orders and what is expected for them.
        clauses: in order; the first that covers the facts decides. `default` decides when none does.
        customer_cancellation: statuses in which the customer may cancel the order himself, at once.
        cancel_requests: statuses in which he may ask for a cancel that the provider has to confirm.
        abuse: from where on requests are too many; None when nothing is measured.
        fraud_warnings: what they lead to; None when the document says nothing, so staff are told only.
        hash: SHA-256, in hex, of the canonical document text.
        text: the canonical document text: UTF-8, lines ended by a single line feed.
    """

    slug: str
    title: str
    updated: date
    summary: str
    introduction: str
    customer_group: str
    scopes: Scopes
    clauses: tuple[Clause, ...]
    default: Clause
    customer_cancellation: tuple[Status, ...]
    cancel_requests: tuple[Status, ...]
    withdrawals: Withdrawals
    review: Review
    abuse: Abuse | None
    chargebacks: Chargebacks
    fraud_warnings: FraudWarnings | None
    contact: Contact
    sections: tuple[Section, ...]
    examples: tuple[Example, ...]
    hash: str
    text: str = field(repr=False)

    @property
    def on_warning(self) -> FraudWarnings:
        """What an early fraud warning leads to."""
        return self.fraud_warnings or _STAFF_ARE_TOLD

    @cached_property
    def rules(self) -> tuple[Clause, ...]:
        """All clauses in order of precedence, the default last."""
        return (*self.clauses, self.default)

    @cached_property
    def matcher(self) -> Matcher:
        """The index of `rules` by facts, built once for each policy."""
        return Matcher([clause.when for clause in self.rules], self.scopes)

    def clause(self, clause_id: str) -> Clause:
        """Return the clause of this id, the default's being `default`; raises KeyError when there is none."""
        return self._by_id[clause_id]

    @cached_property
    def _by_id(self) -> dict[str, Clause]:
        return {clause.id: clause for clause in self.rules}
