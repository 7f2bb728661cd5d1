"""Who writes what moves money: transfers come from the ledger only, an order's status from its lifecycle only.

import-linter can't see this, since everybody may read the models. So the source is read: calls that write a model's
rows, assignments, and SQL.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("panel", "billing", "orders", "refunds")
MAY_WRITE_TRANSFERS = {"billing/ledger.py"}
MAY_WRITE_ORDERS = {"orders/insertion.py"}
MAY_SET_STATUS = {
    "orders/insertion.py",
    "orders/lifecycle.py",
    "refunds/desk/proposals.py",  # of a copy that is never saved: what would a move refund?
}

_MANAGERS = {"objects", "_default_manager", "_base_manager"}
_WRITES = re.compile(r"a?(create|bulk_create|get_or_create|update_or_create|update|bulk_update|delete)")
_STATUS_WRITES = re.compile(r"a?(update|bulk_update|update_or_create|save)")
_TRANSFER_SQL = re.compile(
    r'\b(insert\s+into|update|delete\s+from|copy|truncate)\s+"?billing_transfer\b', re.IGNORECASE
)
_ORDER_SQL = re.compile(r'\b(insert\s+into|copy)\s+"?orders_order\b', re.IGNORECASE)
_UPDATE_ORDER = re.compile(
    r'\bupdate\s+"?orders_order\b"?(?:\s+(?:as\s+)?(?!set\b)\w+)?\s+set\b(.*?)(?:\bfrom\b|\bwhere\b|$)',
    re.IGNORECASE | re.DOTALL,
)
_SETS_STATUS = re.compile(r'(?:^|[,(\s])"?status"?\s*(?:=|,[^)]*\)\s*=|\)\s*=)', re.IGNORECASE)


def nodes(source: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(source))


def texts(source: str) -> Iterator[str]:
    """Every text of the source; of one with placeholders, what stands around them."""
    for node in nodes(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "?".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


def names_of(source: str, model: str) -> set[str]:
    """What the model is called in this source."""
    aliases = {
        alias.asname
        for node in nodes(source)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == model and alias.asname
    }
    return {model, *aliases}


def _is_model(node: ast.expr, names: set[str]) -> bool:
    return (isinstance(node, ast.Name) and node.id in names) or (isinstance(node, ast.Attribute) and node.attr in names)


def _starts_at_manager(node: ast.expr, names: set[str]) -> bool:
    """Whether a chain such as `Transfer.objects.filter(…).order_by(…)` begins at the model's manager."""
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Call):
            node = node.func
        elif node.attr in _MANAGERS and _is_model(node.value, names):
            return True
        else:
            node = node.value
    return False


def row_writes(source: str, model: str) -> list[str]:
    """Every call that makes or changes rows of the model by its name."""
    names = names_of(source, model)
    return [
        ast.unparse(node.func)
        for node in nodes(source)
        if isinstance(node, ast.Call)
        and (
            _is_model(node.func, names)
            or (
                isinstance(node.func, ast.Attribute)
                and _WRITES.fullmatch(node.func.attr)
                and _starts_at_manager(node.func.value, names)
            )
        )
    ]


def transfer_writes(source: str) -> list[str]:
    return [*row_writes(source, "Transfer"), *(text for text in texts(source) if _TRANSFER_SQL.search(text))]


def order_inserts(source: str) -> list[str]:
    made = [call for call in row_writes(source, "Order") if not re.search(r"\.a?(bulk_)?update$", call)]
    return [*made, *(text for text in texts(source) if _ORDER_SQL.search(text))]


def status_writes(source: str) -> list[str]:
    """Assignments to a `status`, updates and saves that name it, and SQL that sets an order's."""
    found = [text for text in texts(source) for part in _UPDATE_ORDER.findall(text) if _SETS_STATUS.search(part)]
    for node in nodes(source):
        assigned = isinstance(node, ast.Attribute) and node.attr == "status" and isinstance(node.ctx, ast.Store)
        if assigned or (isinstance(node, ast.Call) and _names_status(node)):
            found.append(ast.unparse(node))
    return found


def _names_status(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id == "setattr" and _has_text(call.args[1:2], "status")
    if not (isinstance(call.func, ast.Attribute) and _STATUS_WRITES.fullmatch(call.func.attr)):
        return False
    return any(keyword.arg == "status" for keyword in call.keywords) or _has_text(
        [*call.args, *(keyword.value for keyword in call.keywords)], "status"
    )


def _has_text(given: list[ast.expr], text: str) -> bool:
    return any(isinstance(node, ast.Constant) and node.value == text for root in given for node in ast.walk(root))


def sources(spared: set[str]) -> Iterator[tuple[str, str]]:
    """Path and text of every module of the rooms, without migrations and without those spared."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "migrations" not in path.parts and name not in spared:
                yield name, path.read_text(encoding="utf-8")


def test_only_the_ledger_writes_transfers() -> None:
    assert {name: found for name, source in sources(MAY_WRITE_TRANSFERS) if (found := transfer_writes(source))} == {}


def test_only_the_insertion_makes_orders() -> None:
    assert {name: found for name, source in sources(MAY_WRITE_ORDERS) if (found := order_inserts(source))} == {}


def test_only_the_lifecycle_sets_the_status_of_an_order() -> None:
    assert {name: found for name, source in sources(MAY_SET_STATUS) if (found := status_writes(source))} == {}


def test_sees_those_who_may() -> None:
    assert all(transfer_writes((ROOT / name).read_text(encoding="utf-8")) for name in MAY_WRITE_TRANSFERS)
    assert all(order_inserts((ROOT / name).read_text(encoding="utf-8")) for name in MAY_WRITE_ORDERS)
    assert status_writes((ROOT / "orders/lifecycle.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "Transfer(amount=1).save()",
        "models.Transfer(amount=1)",
        "Transfer.objects.create(amount=1)",
        "Transfer.objects.bulk_create(rows)",
        "Transfer.objects.filter(pk=1).exclude(pk=2).update(amount=1)",
        "Transfer.objects.all().delete()",
        "from billing.models import Transfer as T\nT._default_manager.get_or_create(key='a')",
        "cursor.execute('INSERT INTO billing_transfer (key) VALUES (1)')",
        "cursor.execute(f'insert  into\\n \"billing_transfer\" {columns}')",
        "SQL = 'UPDATE ' 'billing_transfer SET amount = 1'",
    ],
)
def test_finds_a_transfer_written_elsewhere(source: str) -> None:
    assert transfer_writes(source)


@pytest.mark.parametrize(
    "source",
    [
        "order.status = OrderStatus.COMPLETED",
        "order.status, order.remains = 'completed', 0",
        "setattr(order, 'status', 'completed')",
        "Order.objects.filter(pk=1).update(status='completed')",
        "chosen.update(remains=0, status='completed')",
        "order.save(update_fields=['remains', 'status'])",
        "Order.objects.bulk_update(orders, ['status'])",
        "Order.objects.update_or_create(pk=1, defaults={'status': 'completed'})",
        "cursor.execute(\"UPDATE orders_order SET status = 'completed' WHERE id = 1\")",
        "cursor.execute('update orders_order o set remains = 0, status = m.status from m where o.id = m.id')",
        "cursor.execute('UPDATE orders_order SET (remains, status) = (0, %s)')",
    ],
)
def test_finds_a_status_set_elsewhere(source: str) -> None:
    assert status_writes(source)


@pytest.mark.parametrize(
    "source",
    ["Order(link='a')", "Order.objects.create(link='a')", "SQL = 'INSERT INTO orders_order (link) SELECT 1'"],
)
def test_finds_an_order_made_elsewhere(source: str) -> None:
    assert order_inserts(source)


@pytest.mark.parametrize(
    "source",
    [
        "rows = Transfer.objects.filter(customer=1).order_by('pk')",
        "ledger.NewTransfer(amount=1)",
        "SQL = 'UPDATE orders_order SET sync_due_at = now() WHERE status = 1'",
        "SQL = 'INSERT INTO orders_orderevent (order_id) VALUES (1)'",
        "if order.status == 'completed': pass",
        "Order.objects.filter(status='pending').update(sync_due_at=None)",
    ],
)
def test_leaves_reading_and_other_columns_alone(source: str) -> None:
    assert [*transfer_writes(source), *order_inserts(source), *status_writes(source)] == []
