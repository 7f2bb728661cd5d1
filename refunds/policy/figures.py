"""The figures and choices of a policy beside its clauses, for comparing two of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from panel.kernel import money
from refunds.policy.document import Policy
from refunds.policy.wording import span


@dataclass(frozen=True, slots=True)
class Figure:
    """One key of a document and what it says before and after; empty where it isn't there."""

    key: str
    before: str
    after: str


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
    yield "customer_cancellation", ", ".join(policy.customer_cancellation) or "never"
    yield "cancel_requests", ", ".join(policy.cancel_requests) or "never"
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
