"""The gateway protocol: what billing asks of whoever holds the customers' payments.

Each call is an outside call: never make one while a transaction is open. It ends in one of four ways, and they must
not be mixed up: an answer, `Refused` (definitely not carried out, and why), `TryLater` (definitely not carried out,
ask again with the same key) or `OutcomeUnknown` (nobody can say; find out before anything is tried anew).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from billing.gateways.evidence import Evidence, Upload
from billing.models.account import House
from panel.kernel.errors import PanelError


class Refusal(StrEnum):
    """Why a gateway definitely did not carry out what was asked."""

    ALREADY_REFUNDED = "already_refunded"  # nothing, or less than asked, is left on the payment
    DISPUTED = "disputed"  # the payment is under dispute
    SHORT_OF_FUNDS = "short_of_funds"  # our own balance at the gateway does not reach
    METHOD_GONE = "method_gone"  # closed card or account: this method never takes money back
    NOT_FOUND = "not_found"  # the gateway does not know the payment or the object
    NOT_OFFERED = "not_offered"  # this gateway can't do that at all
    KEY_REUSED = "key_reused"  # a bug of ours: one key, two requests
    OTHER = "other"


class GatewayError(PanelError):
    """A gateway did not answer with what was asked for."""

    code = "gateway_error"


class Refused(GatewayError):
    """Definitely not carried out; asking again with the same key would say the same."""

    code = "gateway_refused"

    def __init__(self, message: str, *, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal


class TryLater(GatewayError):
    """Definitely not carried out this time: too many requests, or never reached. The same key may be used again."""

    code = "gateway_try_later"


class OutcomeUnknown(GatewayError):
    """It may or may not have been carried out: time-out, dropped connection, 5xx, an answer that makes no sense."""

    code = "gateway_outcome_unknown"


class BadNotice(GatewayError):
    """A webhook body that is not signed by the gateway, is too old, or can't be read."""

    code = "gateway_bad_notice"


class DepositStanding(StrEnum):
    """How far a deposit has got, as the gateway sees it."""

    OPEN = "open"  # the customer has not paid yet
    DELAYED = "delayed"  # promised by a delayed method, no money yet
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


class RefundStanding(StrEnum):
    """How far a refund has got, as the gateway sees it."""

    TO_DO = "to_do"  # noted, and nobody has sent it yet
    PENDING = "pending"
    PAID = "paid"  # may still turn FAILED for about 30 days
    FAILED = "failed"
    CANCELED = "canceled"  # treated as failed
    UNRECOGNIZED = "unrecognized"  # a word that we don't know: stored, and a person looks


class DisputeStanding(StrEnum):
    """How far a dispute has got, as the gateway sees it."""

    INQUIRY = "inquiry"  # the bank asks before it takes anything; answering or refunding may end it
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"  # an inquiry that became no dispute, or a dispute that was prevented
    UNRECOGNIZED = "unrecognized"  # a word that we don't know: stored, and a person looks


class MovementKind(StrEnum):
    """What moved money at the gateway."""

    PAYMENT = "payment"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    OTHER = "other"  # fees, payouts to the owner's bank, adjustments: not the customers' money


@dataclass(frozen=True, slots=True)
class Method:
    """What the customer paid with. `kind` is the gateway's own word (`card`, `bank`); the rest may be empty.

    `fingerprint` is the same for the same card or bank account, whoever pays with it.
    """

    kind: str = ""
    brand: str = ""
    last4: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What a gateway is and what it can do.

    Attributes:
        clearing: the house account that mirrors what we have there.
        opens_online: whether a customer can open a deposit himself; otherwise staff record what arrived.
        smallest_unit: amounts are whole multiples of it; money scale.
        minimum: the smallest deposit; `maximum`: the largest one.
        refund_window: how long after the payment it can be refunded; None for ever.
        bank_days: within how many business days (from, to) the customer's bank shows a refund that was sent.
        key_memory: for how long a repeated key is sure to be recognized. Older ones may be forgotten, so then only
            looking tells whether a refund exists.
        is_remote: whether its calls leave this machine and take time; otherwise they read and write our database.
    """

    slug: str
    label: str
    clearing: House
    opens_online: bool
    smallest_unit: Decimal
    minimum: Decimal
    maximum: Decimal
    refund_window: timedelta | None
    bank_days: tuple[int, int]
    key_memory: timedelta = timedelta(hours=23)
    is_remote: bool = True


@dataclass(frozen=True, slots=True)
class DepositRequest:
    """Open a deposit. The same `key` again gives the same deposit.

    Attributes:
        deposit: our number, for the gateway's metadata.
        return_url: where the customer comes back to, paid or not; `cancel_url` after turning away.
    """

    key: str
    deposit: int
    amount: Decimal
    currency: str
    customer_email: str
    description: str
    return_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class OpenedDeposit:
    """A deposit that waits for the customer at `checkout_url` until `expires_at`."""

    reference: str
    checkout_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DepositReport:
    """What the gateway says of a deposit now.

    Attributes:
        deposit: our number from the metadata; None when it carries none.
        received: what arrived, in `currency`; zero until paid. Money scale.
        payment_reference: what refunds are asked for; empty until there is a payment.
        method: what was paid with, as far as known.
        status: the gateway's own words.
    """

    reference: str
    deposit: int | None
    standing: DepositStanding
    received: Decimal
    currency: str
    payment_reference: str
    method: Method
    status: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Pay `amount` back. The same `key` again, within the gateway's memory, refunds nothing more.

    Attributes:
        leg: our number, kept in the gateway's metadata so that the refund can be found without its reference.
        attempt: the how-manieth try of this leg; a new one only after a definite failure.
        payment_reference: the payment to refund; empty for a payout by another way.
        destination: where a payout by another way goes, in words; empty for a refund.
    """

    key: str
    leg: int
    attempt: int
    payment_reference: str
    amount: Decimal
    currency: str
    destination: str = ""


@dataclass(frozen=True, slots=True)
class RefundReport:
    """What the gateway says of a refund now.

    Attributes:
        leg, attempt: ours, from the metadata; None for a refund made by hand at the gateway.
        bank_reference: what the customer's bank finds it by (ARN), as soon as known.
        refusal: why it failed, when it did.
        failure: the same in the gateway's words; `status`: its word for the state.
        reason: the same written for the customer, when a person wrote it; it goes before any other words.
    """

    reference: str
    leg: int | None
    attempt: int | None
    standing: RefundStanding
    amount: Decimal
    currency: str
    payment_reference: str
    bank_reference: str
    status: str
    refusal: Refusal | None = None
    failure: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DisputeReport:
    """What the gateway says of a dispute now. Amounts at money scale, in `currency`.

    Attributes:
        amount: what the customer's bank claims; it may differ from the payment.
        withdrawn: what the gateway has taken from us for it and not given back yet; zero or more.
        reinstated: what it took and gave back.
        gave_last: whether its last move was to give back.
        fee: what it charges us for it; None when that is in another currency.
        reason: the gateway's word for why, such as `fraudulent`; `reason_code`: the card network's.
        status: the gateway's word for the standing.
        is_appeal: whether it was lost before and is being fought over again.
        due_by: until when evidence is taken; None when none is asked for.
        has_evidence: whether evidence is staged; `submissions`: how often some was submitted.
    """

    reference: str
    payment_reference: str
    standing: DisputeStanding
    status: str
    amount: Decimal
    currency: str
    withdrawn: Decimal
    reinstated: Decimal
    gave_last: bool
    fee: Decimal | None
    reason: str
    reason_code: str
    is_appeal: bool
    due_by: datetime | None
    has_evidence: bool
    submissions: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class FraudWarningReport:
    """What the gateway says of a card issuer's early fraud warning. No money moves by it.

    Attributes:
        fraud_type: the gateway's word for what the issuer suspects.
        actionable: whether refunding may still prevent a dispute; never again once the payment was refunded in full or
            disputed.
    """

    reference: str
    payment_reference: str
    fraud_type: str
    actionable: bool
    warned_at: datetime


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the gateway's own books.

    Attributes:
        reference: the line's id there.
        source: the id of what it is about: a refund's reference, a charge, a dispute.
        payment_reference: the payment that it belongs to, as deposits keep it; empty when it belongs to none.
        amount: before fees; above zero when money came to us. Money scale.
    """

    reference: str
    kind: MovementKind
    source: str
    payment_reference: str
    amount: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook whose signature was right. Only its ids are trusted: the object is read again before anything moves."""

    event: str
    type: str
    object: str
    created_at: datetime
    payload: str


class Gateway(Protocol):
    """Who holds payments. Every method may raise TryLater and OutcomeUnknown; those that change something, Refused."""

    def describe(self) -> Description:
        """Say what it is and what its limits are. Makes no call."""

    def open_deposit(self, request: DepositRequest) -> OpenedDeposit:
        """Prepare a payment by the customer. Raises Refused."""

    def fetch_deposit(self, reference: str) -> DepositReport:
        """Say how a deposit stands. Raises Refused(NOT_FOUND)."""

    def refund(self, request: RefundRequest) -> RefundReport:
        """Pay back a part of a payment, or pay out by another way. Raises Refused."""

    def fetch_refund(self, reference: str) -> RefundReport:
        """Say how a refund stands. Raises Refused(NOT_FOUND)."""

    def find_refund(self, request: RefundRequest) -> RefundReport | None:
        """Look for the refund of this leg and attempt without its reference; None: the gateway has none."""

    def refunds_of(self, payment_reference: str) -> list[RefundReport]:
        """Return every refund of a payment, those made by hand at the gateway among them."""

    def find_deposit(self, payment_reference: str) -> DepositReport | None:
        """Return the deposit that a payment belongs to; None for a payment that was not made through one."""

    def fetch_dispute(self, reference: str) -> DisputeReport:
        """Say how a dispute stands. Raises Refused(NOT_FOUND)."""

    def disputes(self, since: datetime) -> Iterator[DisputeReport]:
        """Yield the disputes opened since then, in any order."""

    def upload_evidence(self, upload: Upload) -> str:
        """Hand over a document for a dispute; return its reference. Raises Refused."""

    def stage_evidence(self, evidence: Evidence) -> DisputeReport:
        """Put evidence beside a dispute, not yet before the bank. Raises Refused."""

    def submit_evidence(self, evidence: Evidence) -> DisputeReport:
        """Put evidence before the bank, once and for good: nothing can be added afterwards. Raises Refused."""

    def fetch_fraud_warning(self, reference: str) -> FraudWarningReport:
        """Say how an early fraud warning stands. Raises Refused(NOT_FOUND)."""

    def fraud_warnings(self, since: datetime) -> Iterator[FraudWarningReport]:
        """Yield the early fraud warnings made since then, in any order."""

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """Yield the lines of the gateway's books in `[since, until)`, in any order."""

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """Verify and read a webhook. Makes no call. Raises BadNotice."""
