"""A policy as SQL: the same decisions as engine.decide, made by the database for many rows at once.

`rule` and `owed` return expressions over columns that hold the facts and amounts of one order. What is written into
them comes from a validated document: words of the vocabulary and whole numbers, never free text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.document import Policy
from refunds.policy.facts import DAY_HOURS, MONTH_HOURS, SinceFinal
from refunds.policy.scopes import ELSEWHERE, Scope, Scopes

_WHOLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Columns:
    """The SQL expressions that hold the facts and amounts.

    Facts are text, but for `hours_since_final` (whole number, null while the order is open), `service` and `category`
    (whole numbers). `charge` is numeric with six places, `quantity` and `remains` are whole numbers, not null.
    """

    status: str = "status"
    delivery: str = "delivery"
    cause: str = "cause"
    initiator: str = "initiator"
    terms: str = "terms"
    standing: str = "standing"
    since_placed: str = "since_placed"
    refill: str = "refill"
    hours_since_final: str = "hours_since_final"
    service: str = "service"
    category: str = "category"
    charge: str = "charge"
    quantity: str = "quantity"
    remains: str = "remains"


def rule(policy: Policy, columns: Columns) -> str:
    """Return a CASE whose value is the index in `policy.rules` of the rule that decides; without clauses, always 0."""
    if not policy.clauses:
        return "0"  # SQL knows no CASE without a WHEN
    branches = [
        f"WHEN {_condition(clause, policy.scopes, columns)} THEN {place}" for place, clause in enumerate(policy.clauses)
    ]
    return f"CASE {' '.join(branches)} ELSE {len(policy.clauses)} END"


def owed(policy: Policy, index: str, columns: Columns) -> str:
    """Return an expression for what is owed in total, `index` being an expression for the deciding rule's index."""
    return _by_rule(index, [_owed(clause, columns) for clause in policy.rules])


def scope(policy: Policy, columns: Columns) -> str:
    """Return an expression for the index in `policy.scopes.ids` of the scope that a service is in."""
    if not policy.scopes.all:
        return "0"
    branches = [f"WHEN {_names(one, columns)} THEN {place}" for place, one in enumerate(policy.scopes.all)]
    return f"CASE {' '.join(branches)} ELSE {len(policy.scopes.all)} END"


def is_reviewed(policy: Policy, index: str) -> str:
    """Return a condition that holds where a person looks first."""
    return _among(index, [place for place, one in enumerate(policy.rules) if one.approval is Approval.REVIEW])


def _by_rule(index: str, values: Sequence[str]) -> str:
    """Return a CASE over the index, with one branch for all rules that have the same value."""
    places: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault(value, []).append(place)
    *others, (last, _) = sorted(places.items(), key=lambda item: len(item[1]))
    if not others:
        return last
    branches = [f"WHEN {_among(index, found)} THEN {value}" for value, found in others]
    return f"CASE {' '.join(branches)} ELSE {last} END"


def _among(index: str, places: Sequence[int]) -> str:
    if not places:
        return "FALSE"
    return f"{index} IN ({', '.join(str(place) for place in places)})"


def _condition(clause: Clause, scopes: Scopes, columns: Columns) -> str:
    parts = []
    for fact, values in clause.when.values:
        if fact == "scope":
            parts.append(_scope(scopes, values, columns))
        elif fact == "since_final":
            parts.append(_ages(values, columns.hours_since_final))
        else:
            parts.append(_words(getattr(columns, fact), values))
    if clause.when.claim_window_hours is not None:
        window = int(clause.when.claim_window_hours)
        parts.append(f"coalesce({columns.hours_since_final} <= {window}, FALSE)")
    return " AND ".join(parts)


def _words(column: str, values: Sequence[str]) -> str:
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({quoted})"


def _ages(values: Sequence[str], hours: str) -> str:
    conditions = {
        SinceFinal.NOT_FINAL: f"{hours} IS NULL",
        SinceFinal.WITHIN_DAY: f"coalesce({hours} <= {DAY_HOURS}, FALSE)",
        SinceFinal.WITHIN_MONTH: f"coalesce({hours} > {DAY_HOURS} AND {hours} <= {MONTH_HOURS}, FALSE)",
        SinceFinal.OLDER: f"coalesce({hours} > {MONTH_HOURS}, FALSE)",
    }
    return f"({' OR '.join(conditions[SinceFinal(value)] for value in values)})"


def _scope(scopes: Scopes, wanted: Sequence[str], columns: Columns) -> str:
    """Return a condition that holds for services of the wanted scopes; the first scope that names one has it."""
    if not scopes.all:
        return "TRUE" if ELSEWHERE in wanted else "FALSE"
    branches = [f"WHEN {_names(one, columns)} THEN {_truth(one.id in wanted)}" for one in scopes.all]
    return f"CASE {' '.join(branches)} ELSE {_truth(ELSEWHERE in wanted)} END"


def _names(scope: Scope, columns: Columns) -> str:
    """Return a condition that holds for services that a scope names, or of which it names the category."""
    return " OR ".join(
        f"{column} IN ({', '.join(str(int(number)) for number in numbers)})"
        for column, numbers in ((columns.service, scope.services), (columns.category, scope.categories))
        if numbers
    )


def _truth(value: object) -> str:
    return "TRUE" if value else "FALSE"


def _owed(clause: Clause, columns: Columns) -> str:
    total = {
        Refund.FULL: columns.charge,
        # A quotient is rounded, and at the last place that would be up: whole millionths are divided instead.
        Refund.UNDELIVERED: (
            f"div({columns.charge} * 1000000 * {columns.remains}, {columns.quantity}::numeric) * 0.000001"
        ),
        Refund.NONE: "0::numeric",
    }[clause.refund]
    if clause.cap is not None:
        total = f"least({total}, {_portion(clause.cap, columns.charge)})"
    if clause.fee is not None:
        total = f"greatest({total} - {_portion(clause.fee, total)}, 0)"
    return total


def _portion(portion: Portion, amount: str) -> str:
    if portion.sum is not None:
        return f"{portion.sum:f}"
    return f"(div({amount} * 1000000 * {int(portion.basis_points or 0)}, {_WHOLE}) * 0.000001)"
