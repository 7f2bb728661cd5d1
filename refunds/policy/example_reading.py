"""Reading [[examples]] of a policy document: orders, and what the policy has to say about them."""

from typing import Final

from panel.kernel import money
from refunds.policy.clauses import Approval
from refunds.policy.document import Example
from refunds.policy.facts import (
    MONTH_HOURS,
    Amounts,
    Cause,
    Facts,
    Initiator,
    Refill,
    SincePlaced,
    Standing,
    Status,
    Terms,
    delivery_of,
)
from refunds.policy.reading import Table
from refunds.policy.sections import LONGEST_TITLE
from refunds.policy.space import FINAL, can_be

MOST_EXAMPLES: Final = 200
_LARGEST: Final = 1_000_000_000
_LONGEST_HOURS: Final = 10 * 365 * 24


def examples(document: Table, source: str, clause_ids: tuple[str, ...]) -> tuple[Example, ...]:
    """Read [[examples]], which may be left out. `clause_ids` are those that there are, the default's included."""
    tables = document.tables("examples", "example", source, required=False, label="name")
    if len(tables) > MOST_EXAMPLES:
        document.problem("examples", f"has {len(tables)} examples; at most {MOST_EXAMPLES} are allowed")
    found = tuple(_example(table, clause_ids) for table in tables)
    document.refuse_twins([example.name for example in found], "example", source, key="name")
    return found


def _example(table: Table, clause_ids: tuple[str, ...]) -> Example:
    name = table.text("name", placeholders=(), longest=LONGEST_TITLE)
    order, stated = table.table("order"), table.table("facts")
    amounts = _amounts(order)
    facts = _facts(stated, amounts)
    if order.is_sound and stated.is_sound and not can_be(facts):
        stated.report(
            "can't be together: a pending order has all of its units left, a completed one none; an order has not ended"
            " for longer than since it was placed; a refill follows a delivery"
        )
    expect = table.table("expect")
    example = Example(
        name=name,
        facts=facts,
        amounts=amounts,
        clause=expect.word("clause", clause_ids, "a clause of this document"),
        approval=expect.choice("approval", Approval, "an approval"),
        owed=expect.amount("refund"),
    )
    expect.close()
    table.close()
    return example


def _amounts(table: Table) -> Amounts:
    charge = table.amount("charge")
    quantity = table.number("quantity", least=1, most=_LARGEST)
    remains = table.number("remains", least=0, most=_LARGEST)
    table.close()
    if remains > quantity:
        table.problem("remains", f"{remains} is more than the quantity {quantity}")
        remains = quantity
    return Amounts(charge if charge >= 0 else money.ZERO, max(quantity, 1), max(remains, 0))


def _facts(table: Table, amounts: Amounts) -> Facts:
    status = table.choice("status", Status, "a status")
    hours = None
    if status in FINAL:
        hours = 0
        if table.has("hours_since_final"):
            hours = table.number("hours_since_final", least=0, most=_LONGEST_HOURS)
    elif table.has("hours_since_final") and table.is_sound:
        table.problem("hours_since_final", "goes only with an order that has ended")
    placed = SincePlaced.WITHIN_MONTH if hours is None or hours <= MONTH_HOURS else SincePlaced.OLDER
    facts = Facts(
        status=status,
        delivery=delivery_of(amounts.quantity, amounts.remains),
        cause=table.choice("cause", Cause, "a cause"),
        initiator=table.choice("initiator", Initiator, "an initiator"),
        terms=table.choice("terms", Terms, "a kind of service terms") if table.has("terms") else Terms.STANDARD,
        standing=table.choice("standing", Standing, "a standing") if table.has("standing") else Standing.CLEAR,
        since_placed=table.choice("since_placed", SincePlaced, "an age since placed")
        if table.has("since_placed")
        else placed,
        hours_since_final=hours,
        refill=table.choice("refill", Refill, "a state of a refill") if table.has("refill") else Refill.NOT_OFFERED,
        service=table.number("service", least=1, most=_LARGEST) if table.has("service") else 0,
        category=table.number("category", least=1, most=_LARGEST) if table.has("category") else 0,
    )
    table.close()
    return facts
