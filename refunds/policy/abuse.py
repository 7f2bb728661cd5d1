"""Measuring a customer's refund requests against a policy's [abuse]. Pure: counts in, reasons out.

What a reason leads to is not decided here: it sets the standing `abuse_flagged`, and the policy's clauses say what that
means. Staff see the reasons and can lift the flag.
"""

from dataclasses import dataclass
from enum import StrEnum

from panel.kernel.errors import Refused
from refunds.policy.document import Abuse


class MeasureInvalid(Refused):
    """Counts that can't be."""

    code = "measure_invalid"


class Measure(StrEnum):
    """What is measured."""

    RATE = "rate"
    SAME_LINK = "same_link"
    SOON = "soon"


@dataclass(frozen=True, slots=True)
class Counts:
    """What a customer did in the window that ends now, the request that is being opened included.

    Requests are those that the customer makes himself or staff make for him, whatever became of them; not those that a
    policy opens by itself when it leaves a decision to a person.

    Attributes:
        orders: orders that he placed in the window.
        requests: refund requests that he opened in it; at least 1.
        on_link: how many of these are about orders for the same link as the one being opened.
        soon: how many of these came within the policy's `soon_hours` of the order's completion.

    Raises MeasureInvalid when they are not so; nothing is clamped.
    """

    orders: int
    requests: int
    on_link: int
    soon: int

    def __post_init__(self) -> None:
        parts = (self.on_link, self.soon)
        if self.orders < 0 or self.requests < 1 or min(parts) < 0 or max(parts) > self.requests:
            message = f"{self} can't be: at least one request, and no part of them larger than all of them"
            raise MeasureInvalid(message)


@dataclass(frozen=True, slots=True)
class Reason:
    """One measure that reached its limit.

    Attributes:
        counted: for `rate` the requests for each hundred orders, rounded down; otherwise requests.
        limit: the policy's figure, of the same kind; counted >= limit.
        sentence: the reason for staff, without a full stop.
    """

    measure: Measure
    counted: int
    limit: int
    sentence: str


def reasons(rules: Abuse, counts: Counts) -> tuple[Reason, ...]:
    """Return every measure that has reached its limit, in the order of `Measure`; none of them when all is well."""
    found = []
    rate = 100 * counts.requests // max(counts.orders, 1)
    if counts.requests >= rules.rate_least and rate >= rules.rate_percent:
        found.append(Reason(Measure.RATE, rate, rules.rate_percent, _rate(rules, counts, rate)))
    if counts.on_link >= rules.same_link:
        sentence = (
            f"{counts.on_link} refund requests for the same link in {_days(rules)}; "
            f"the policy's limit is {rules.same_link}"
        )
        found.append(Reason(Measure.SAME_LINK, counts.on_link, rules.same_link, sentence))
    if counts.soon >= rules.soon_claims:
        hours = "an hour" if rules.soon_hours == 1 else f"{rules.soon_hours} hours"
        sentence = (
            f"{counts.soon} refund requests in {_days(rules)} came within {hours} of the order's completion; "
            f"the policy's limit is {rules.soon_claims}"
        )
        found.append(Reason(Measure.SOON, counts.soon, rules.soon_claims, sentence))
    return tuple(found)


def _rate(rules: Abuse, counts: Counts, rate: int) -> str:
    if counts.orders == 0:
        return f"{counts.requests} refund requests and no order in {_days(rules)}"
    orders = "1 order" if counts.orders == 1 else f"{counts.orders:,} orders"
    return (
        f"{counts.requests} refund requests for {orders} in {_days(rules)}: {rate} %, "
        f"the policy's limit is {rules.rate_percent} %"
    )


def _days(rules: Abuse) -> str:
    return "a day" if rules.window_days == 1 else f"{rules.window_days} days"
