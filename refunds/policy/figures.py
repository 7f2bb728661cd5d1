"""The figures and choices of a policy beside its clauses, for comparing two of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from panel.kernel import money
from refunds.policy.describing import WORDS, either
from refunds.policy.document import Policy
from refunds.policy.wording import span

_NEVER: Final = "never"

NAMES: Final[Mapping[str, str]] = {
    "customer_cancellation": "When you can cancel an order yourself",
    "cancel_requests": "When you can ask for a cancel",
    "withdrawals.allowed": "Whether a balance is paid out",
    "withdrawals.destination": "Where it is paid out to",
    "withdrawals.minimum": "The smallest balance that is paid out",
    "withdrawals.verify_above": "What is checked by a person before it is paid out, from above",
    "withdrawals.business_days": "Business days until it is sent",
    "withdrawals.alternative_method": "Whether support arranges another way when the method is gone",
    "review.hours": "Hours until a person answers",
    "chargebacks.on_open": "What a dispute leads to when it is opened",
    "chargebacks.on_loss": "What a dispute leads to when it is lost",
    "chargebacks.on_win": "What a dispute leads to when it is won",
    "chargebacks.fee": "The fee for a dispute",
    "contact.response_hours": "Hours until support answers",
}
"""What customers read of a figure that changes. Others are for staff: who knows an abuse limit can stay just below."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One key of a document and what it says before and after; empty where it isn't there."""

    key: str
    before: str
    after: str

    def words(self, currency: str) -> tuple[str, str]:
        """Return what customers read of both sides; empty where it isn't there."""
        if self.key.startswith("scopes."):
            return _scopes_in_words(self.before, self.after)
        return _in_words(self.key, self.before, currency), _in_words(self.key, self.after, currency)

    @property
    def name(self) -> str:
        """What customers read of it; empty when they read nothing of it."""
        if self.key.startswith("scopes."):
            return "Which services belong together"
        return NAMES.get(self.key, "")


_VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "withdrawals.destination": {"original_method": "the way you paid", "balance": "nowhere: it stays as credit"},
    "chargebacks.on_open": {"suspend": "your account is suspended", "nothing": "nothing"},
    "chargebacks.on_loss": {
        "ban": "your account is closed for good",
        "staff_decides": "a person decides about your account",
        "nothing": "nothing",
    },
    "chargebacks.on_win": {
        "lift": "your account is open again",
        "staff_decides": "a person decides about your account",
    },
    "chargebacks.fee": {"as_charged": "what the payment processor charges for it", "none": "none"},
}
_LISTS: Final = ("customer_cancellation", "cancel_requests")
_AMOUNTS: Final = ("withdrawals.minimum", "withdrawals.verify_above")


def _in_words(key: str, value: str, currency: str) -> str:
    if not value:
        return ""
    if key in _AMOUNTS:
        return money.display(money.parse(value), currency)
    if key in _LISTS and value != _NEVER:
        return f"while it is {either([WORDS['status'][status] for status in value.split(', ')])}"
    return _VALUES.get(key, {}).get(value, value)


def _scopes_in_words(before: str, after: str) -> tuple[str, str]:
    """Name the services that belong together; their numbers tell customers nothing."""
    was, comes = before.partition(":")[0], after.partition(":")[0]
    return was, f"{comes}, other services than before" if was == comes else comes


def changed(old: Policy, new: Policy) -> tuple[Figure, ...]:
    """Return the figures and choices that differ, in the order of the document."""
    before, after = dict(_all(old)), dict(_all(new))
    return tuple(
        Figure(key, before.get(key, ""), after.get(key, ""))
        for key in dict.fromkeys([*before, *after])
        if before.get(key, "") != after.get(key, "")
    )


def _all(policy: Policy) -> Iterator[tuple[str, str]]:
    yield "slug", policy.slug
    yield "customer_group", policy.customer_group or "everybody"
    yield "customer_cancellation", ", ".join(policy.customer_cancellation) or _NEVER
    yield "cancel_requests", ", ".join(policy.cancel_requests) or _NEVER
    for scope in policy.scopes.all:
        parts = [f"{scope.name}:"]
        if scope.categories:
            parts.append(f"categories {', '.join(map(str, scope.categories))}")
        if scope.services:
            parts.append(f"services {', '.join(map(str, scope.services))}")
        yield f"scopes.{scope.id}", " ".join(parts)
    yield from _withdrawals(policy)
    yield "review.hours", span(*policy.review.hours)
    if policy.review.confirm_above is not None:
        yield "review.confirm_above", money.plain(policy.review.confirm_above)
    if policy.abuse is not None:
        for key in ("window_days", "rate_percent", "rate_least", "same_link", "soon_hours", "soon_claims"):
            yield f"abuse.{key}", str(getattr(policy.abuse, key))
    for key in ("on_open", "on_loss", "on_win", "fee", "contest"):
        yield f"chargebacks.{key}", str(getattr(policy.chargebacks, key))
    yield "fraud_warnings.action", str(policy.on_warning.action)
    if policy.on_warning.refund_up_to is not None:
        yield "fraud_warnings.refund_up_to", money.plain(policy.on_warning.refund_up_to)
        yield "fraud_warnings.hold_account", _yes(value=policy.on_warning.hold_account)
    yield "contact.response_hours", str(policy.contact.response_hours)


def _withdrawals(policy: Policy) -> Iterator[tuple[str, str]]:
    rules = policy.withdrawals
    yield "withdrawals.allowed", _yes(value=rules.allowed)
    yield "withdrawals.destination", str(rules.destination)
    if rules.minimum is not None:
        yield "withdrawals.minimum", money.plain(rules.minimum)
    if rules.verify_above is not None:
        yield "withdrawals.verify_above", money.plain(rules.verify_above)
    if rules.business_days is not None:
        yield "withdrawals.business_days", span(*rules.business_days)
    if rules.allowed:
        yield "withdrawals.alternative_method", _yes(value=rules.alternative_method)


def _yes(*, value: bool) -> str:
    return "yes" if value else "no"
