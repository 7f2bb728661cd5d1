"""The case: what our records say of a disputed payment. Plain values; times are aware, amounts at money scale."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who paid."""

    name: str
    email: str
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The disputed payment.

    Attributes:
        reference: the gateway's.
        method: in words, such as `Visa ending in 4242`.
        address: from where the payment page was opened; empty when it is not known.
    """

    number: int
    reference: str
    amount: Decimal
    currency: str
    method: str
    opened_at: datetime
    paid_at: datetime
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the bank claims. `contact` says in words what the customer wrote before; `contacted` whether he did."""

    reference: str
    amount: Decimal
    currency: str
    reason: str
    reason_code: str
    opened_at: datetime
    contacted: bool | None
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The refund policy that counted for the payment.

    Attributes:
        shown: whether we know that it was shown where the customer paid; otherwise it was only in force.
        sections: its public page: headings, each with its paragraphs.
    """

    title: str
    number: int
    digest: str
    in_force_since: datetime
    shown: bool
    sections: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One move of an order: where to, why, and what the provider said, in its own words; empty if it was not he."""

    at: datetime
    status: str
    words: str
    by: str
    remains: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What was credited to the customer for an order, and why in words."""

    at: datetime
    amount: Decimal
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOrder:
    """An order that the disputed payment paid for, in whole or in part.

    Attributes:
        from_payment: how much of the charge came from the disputed payment; `returned` of that came back.
        delivered: units; None when nobody has reported.
        address, through: where it was placed from, and by which way; empty when not known.
    """

    number: int
    service: str
    link: str
    quantity: int
    charge: Decimal
    from_payment: Decimal
    returned: Decimal
    status: str
    placed_at: datetime
    final_at: datetime | None
    address: str
    through: str
    start_count: int | None
    delivered: int | None
    reports: tuple[Report, ...]
    credits: tuple[Credit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Something that the customer did on the site, and from where. `device` is what his browser called itself."""

    at: datetime
    what: str
    address: str
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An e-mail to the customer. `sent_at` is when the mail server took it; None when it did not."""

    at: datetime
    subject: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that was written by or to the customer."""

    at: datetime
    by_customer: bool
    about: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBack:
    """A part of the disputed payment that went back to the method that it was paid with."""

    at: datetime
    amount: Decimal
    bank_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything about one disputed payment. Lists are oldest first.

    Attributes:
        panel: what the site is called, `site` its address.
        older_visits, older_letters: how many there are before those that are listed.
    """

    panel: str
    site: str
    customer: Customer
    payment: Payment
    claim: Claim
    terms: Terms
    orders: tuple[PaidOrder, ...]
    visits: tuple[Visit, ...]
    letters: tuple[Letter, ...]
    messages: tuple[Message, ...]
    paid_back: tuple[PaidBack, ...]
    older_visits: int = 0
    older_letters: int = 0
