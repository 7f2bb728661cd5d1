"""Facts in words, for the people who write policies: one combination as a sentence, many as a short list of values."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

from refunds.policy.document import Policy
from refunds.policy.facts import DAY_HOURS, Facts, Refill
from refunds.policy.matching import Condition, boundaries

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "status": {
        "pending": "pending",
        "processing": "processing",
        "in_progress": "in progress",
        "partial": "partial",
        "canceled": "canceled",
        "completed": "completed",
    },
    "delivery": {
        "none": "nothing delivered",
        "some": "some delivered",
        "all": "all delivered",
    },
    "cause": {
        "not_started": "not started",
        "service_unavailable": "service unavailable",
        "system_error": "error of ours",
        "cannot_complete": "can't be completed",
        "service_discontinued": "service discontinued",
        "target_unavailable": "target unavailable",
        "invalid_target": "wrong target",
        "dropped": "dropped later",
        "platform_delay": "delay of the platform",
        "change_of_mind": "change of mind",
        "terms_violation": "breach of terms",
        "provider_canceled": "canceled by the provider",
        "staff_canceled": "canceled by staff",
        "delivered": "delivered",
        "correction": "correction",
    },
    "initiator": {
        "customer": "the customer",
        "staff": "staff",
        "provider": "the provider",
        "system": "the system",
    },
    "terms": {
        "standard": "standard terms",
        "no_refund_after_start": "“no refund after start”",
    },
    "standing": {
        "clear": "in good standing",
        "abuse_flagged": "flagged for abuse",
        "fraud_suspected": "suspected of fraud",
    },
    "since_placed": {
        "within_hour": "placed within an hour",
        "within_day": "placed within a day",
        "within_month": "placed within a month",
        "older": "placed longer ago",
    },
    "refill": {
        "not_offered": "no refill offered",
        "available": "a refill can be asked for",
        "running": "a refill is running",
        "refused": "a refill was refused",
    },
}
"""What each value is called, by fact; ages since the end and scopes are put into words from their figures."""

ENDED: Final[Mapping[str, str]] = {
    "not_final": "not yet",
    "within_day": "within a day",
    "within_month": "within a month",
    "older": "longer ago",
}
"""What each value of since_final is called."""

HEADINGS: Final[Mapping[str, str]] = {
    "status": "Order",
    "delivery": "Delivery",
    "cause": "Cause",
    "initiator": "Moved or asked by",
    "terms": "Terms",
    "standing": "Customer",
    "since_placed": "Placed",
    "age": "Ended",
    "refill": "Refill",
    "scope": "Service",
}
"""What each axis is called in tables."""


class Describer:
    """Puts facts into words as some policies divide them: by their claim windows and scopes."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._bounds = boundaries([rule.when for policy in policies for rule in policy.rules])
        self._scopes = [policy.scopes for policy in policies if policy.scopes.all]

    def combination(self, facts: Facts) -> str:
        """Say one combination in a sentence without a full stop."""
        of = {fact: words[str(getattr(facts, fact))] for fact, words in WORDS.items()}
        parts = [
            f"{'An' if of['status'].startswith('in') else 'A'} {of['status']} order",
            of["delivery"],
            f"cause: {of['cause']}",
            f"moved or asked by {of['initiator']}",
            of["terms"],
            f"a customer {of['standing']}",
            of["since_placed"],
        ]
        if facts.hours_since_final is not None:
            parts.append(f"ended {self.ages([facts.hours_since_final])}")
        if facts.refill is not Refill.NOT_OFFERED:
            parts.append(of["refill"])
        if self._scopes:
            parts.append(self.scope((facts.service, facts.category)))
        return ", ".join(parts)

    def values(self, axis: str, chosen: Sequence[Any]) -> str:
        """Say several values of one axis: `partial or canceled`, `any but dropped later`."""
        if axis == "age":
            return self.ages(chosen)
        if axis == "scope":
            return either(list(dict.fromkeys(self.scope(place) for place in chosen)))
        words = WORDS[axis]
        names = [words[str(value)] for value in chosen]
        others = [name for name in words.values() if name not in names]
        if not others:
            return "any"
        return f"any but {either(others)}" if len(others) < len(names) - 1 else either(names)

    def condition(self, condition: Condition) -> list[tuple[str, str]]:
        """Say what a clause covers: (heading, values) of each fact that it names."""
        found = []
        for fact, chosen in condition.values:
            if fact == "scope":
                names = [scopes.name(one) for scopes in self._scopes for one in chosen]
                found.append((HEADINGS["scope"], either(names or list(chosen))))
            elif fact == "since_final":
                found.append((HEADINGS["age"], either([ENDED[str(value)] for value in chosen])))
            else:
                found.append((HEADINGS[fact], self.values(fact, chosen)))
        if condition.claim_window_hours is not None:
            found.append((HEADINGS["age"], f"at most {hours(condition.claim_window_hours)} ago"))
        return found

    def ages(self, chosen: Sequence[int | None]) -> str:
        """Say when an order ended, of hours that lie in the parts into which the policies divide its age."""
        words = ["not yet"] if None in chosen else []
        parts = sorted({bisect_left(self._bounds, hour) for hour in chosen if hour is not None})
        runs: list[list[int]] = []
        for part in parts:
            if runs and runs[-1][-1] == part - 1:
                runs[-1].append(part)
            else:
                runs.append([part])
        return either([*words, *(self._run(run[0], run[-1]) for run in runs)])

    def scope(self, place: tuple[int, int]) -> str:
        """Name the scopes that a service of this number and category is in."""
        names = [scopes.name(scopes.of(*place)) for scopes in self._scopes]
        return " and ".join(dict.fromkeys(names)) or "any service"

    def _run(self, first: int, last: int) -> str:
        start = hours(self._bounds[first - 1]) if first else ""
        end = hours(self._bounds[last]) if last < len(self._bounds) else ""
        if start and end:
            return f"{start} to {end} ago"
        if end:
            return f"up to {end} ago"
        return f"more than {start} ago" if start else "at any time"


def either(names: Sequence[str]) -> str:
    """List names as a choice: `a, b or c`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def hours(count: int) -> str:
    """Say a number of hours, in days where it is a few of them: `72 hours`, `7 days`, `an hour`."""
    if count == 1:
        return "an hour"
    if count % DAY_HOURS == 0 and count > _HOURS_UP_TO:
        return f"{count // DAY_HOURS} days"
    return f"{count} hours"


_HOURS_UP_TO: Final = 3 * DAY_HOURS
