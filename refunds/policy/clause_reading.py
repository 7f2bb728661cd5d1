"""Reading the clauses of a policy document and the scopes that they may name. Problems are collected by the tables."""

from typing import Final

from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.document import DEFAULT_ID
from refunds.policy.facts import VOCABULARY
from refunds.policy.matching import Condition
from refunds.policy.reading import Table
from refunds.policy.scopes import ELSEWHERE, MOST_SCOPES, Scope, Scopes
from refunds.policy.sections import LONGEST_TITLE

LONGEST_REASON: Final = 300
MOST_CLAUSES: Final = 100
MOST_NAMED: Final = 100
MOST_WINDOWS: Final = 4
LONGEST_WINDOW: Final = 365 * 24

_NOUNS: Final = {
    "status": "a status",
    "delivery": "a delivery",
    "cause": "a cause",
    "initiator": "an initiator",
    "terms": "a kind of service terms",
    "standing": "a standing",
    "since_placed": "an age since placed",
    "since_final": "an age since final",
    "refill": "a state of a refill",
}


def scopes(document: Table, source: str) -> Scopes:
    """Read [[scopes]], which may be left out."""
    tables = document.tables("scopes", "scope", source, required=False)
    found = [_scope(table) for table in tables]
    if len(found) > MOST_SCOPES:
        document.problem("scopes", f"has {len(found)} scopes; at most {MOST_SCOPES} are allowed")
    document.refuse_twins([scope.id for scope in found], "scope", source)
    named = sum(len(scope.categories) + len(scope.services) for scope in found)
    if named > MOST_NAMED:
        document.problem("scopes", f"name {named} categories and services together; at most {MOST_NAMED} are allowed")
    return Scopes(found)


def clauses(document: Table, source: str, known: Scopes) -> tuple[Clause, ...]:
    """Read [[clauses]]."""
    tables = document.tables("clauses", "clause", source, required=True)
    found = tuple(_clause(table, table.identifier("id"), _condition(table.table("when"), known)) for table in tables)
    if len(found) > MOST_CLAUSES:
        document.problem("clauses", f"has {len(found)} clauses; at most {MOST_CLAUSES} are allowed")
    document.refuse_twins([clause.id for clause in found], "clause", source)
    for table, clause in zip(tables, found, strict=True):
        if clause.id == DEFAULT_ID:
            table.problem("id", "is kept for the table [default]; choose another")
    windows = {clause.when.claim_window_hours for clause in found} - {None}
    if len(windows) > MOST_WINDOWS:
        shown = ", ".join(str(hours) for hours in sorted(hours for hours in windows if hours is not None))
        document.problem(
            "clauses",
            f"name {len(windows)} different claim windows ({shown} hours); at most {MOST_WINDOWS} are allowed",
        )
    return found


def default(document: Table, source: str) -> Clause:
    """Read [default]."""
    return _clause(document.table("default", f"{source}: [default]", prefix=""), DEFAULT_ID, Condition())


def _scope(table: Table) -> Scope:
    found = Scope(
        id=table.identifier("id"),
        name=table.text("name", placeholders=(), longest=LONGEST_TITLE),
        categories=table.numbers("categories"),
        services=table.numbers("services"),
    )
    if found.id == ELSEWHERE:
        table.problem("id", "means every service that no scope names; choose another")
    if not (found.categories or found.services):
        table.report("names nothing; give categories, services or both")
    table.close()
    return found


def _clause(table: Table, clause_id: str, when: Condition) -> Clause:
    then = table.table("then")
    refund = then.choice("refund", Refund, "a refund")
    approval = then.choice("approval", Approval, "an approval")
    cap, fee = _portion(then, "cap"), _portion(then, "fee")
    if refund is Refund.NONE and then.exists:
        for key, portion in (("cap", cap), ("fee", fee)):
            if portion is not None:
                then.problem(key, "has nothing to be taken from: the refund is 'none'")
    keeps = then.flag("keeps_undelivered") if then.has("keeps_undelivered") else False
    then.close()
    told = {
        "cap": cap is not None,
        "fee": fee is not None,
        "claim_window": when.claim_window_hours is not None,
        "scope": any(fact == "scope" for fact, _ in when.values),
    }
    clause = Clause(
        id=clause_id,
        group=table.text("group", placeholders=(), longest=LONGEST_TITLE),
        when=when,
        refund=refund,
        approval=approval,
        text=table.text("text", ("panel", *(name for name, given in told.items() if given))),
        because=table.text("because", placeholders=(), longest=LONGEST_REASON),
        passage=table.text("passage", placeholders=()),
        cap=cap,
        fee=fee,
        keeps_undelivered=keeps,
    )
    if clause.because.endswith((".", "!", "?")):
        table.problem("because", "is the end of a sentence; leave out the full stop")
    for name, given in told.items():
        if given and clause.text and f"{{{name}}}" not in clause.text:
            table.problem("text", f"must say {{{name}}}, so that customers read of it")
    table.close()
    return clause


def _condition(when: Table, known: Scopes) -> Condition:
    named = [fact for fact in VOCABULARY if when.has(fact)]
    values: list[tuple[str, tuple[str, ...]]] = [
        (fact, tuple(when.choices(fact, VOCABULARY[fact], _NOUNS[fact]))) for fact in named
    ]
    if when.has("scope"):
        values.append(("scope", when.words("scope", known.ids, "a scope of this document")))
    window = None
    if when.has("claim_window_hours"):
        window = when.number("claim_window_hours", least=1, most=LONGEST_WINDOW)
    when.close()
    condition = Condition(tuple(values), window)
    if condition.is_empty and when.exists:
        when.report("covers everything; name at least one fact, and leave the rest to the table [default]")
    return condition


def _portion(then: Table, key: str) -> Portion | None:
    if not then.has(key):
        return None
    basis_points, amount = then.portion(key)
    return Portion(basis_points, amount)
