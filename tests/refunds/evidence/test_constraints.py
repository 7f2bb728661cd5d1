"""What the database refuses about evidence and its deadlines, by the names of constraints and triggers."""

from typing import Final

import pytest
from django.db import connection

from panel.sandbox.payments import PaymentsSandbox
from refunds.models import DeadlineWarning, DisputeEvidence, EvidenceFile
from tests.billing.refusing import copy_of, refusal
from tests.factories import AT, disputed, make_customer, make_staff, pay_in

pytestmark = pytest.mark.django_db

EVIDENCE: Final = (DisputeEvidence, EvidenceFile, DeadlineWarning)
TABLES: Final = {
    "pack": "refunds_disputeevidence",
    "submitted": "refunds_disputeevidence",
    "file": "refunds_evidencefile",
    "warning": "refunds_deadlinewarning",
}


@pytest.fixture
def world(payments: PaymentsSandbox) -> dict[str, int]:
    """A pack that was submitted, an assembled one with a file, and a warning about the deadline."""
    dispute, jonas = disputed(payments, pay_in(make_customer(), payments, "50")), make_staff("jonas")
    empty: dict[str, object] = {"texts": {}, "left_out": {}}
    submitted, pack = (
        DisputeEvidence.objects.create(dispute=dispute, number=number, pack=empty, assembled_at=AT)
        for number in (70, 71)
    )
    DisputeEvidence.objects.filter(pk=submitted.pk).update(
        state="submitted", staged_at=AT, submitted_by=jonas, submissions_before=0, submitted_at=AT
    )
    file = EvidenceFile.objects.create(
        evidence=pack, document="uncategorized_file", name="timeline.pdf", size=1, sha256="0" * 64, content=b"1"
    )
    warning = DeadlineWarning.objects.create(dispute=dispute, respond_by=AT, hours=24, at=AT)
    rows = {"pack": pack, "submitted": submitted, "file": file, "warning": warning, "jonas": jonas}
    return {name: row.pk for name, row in rows.items()}


def everything() -> list[tuple[str]]:
    """Every row of the evidence."""
    found: list[tuple[str]] = []
    with connection.cursor() as cursor:
        for model in EVIDENCE:
            cursor.execute(f"SELECT t::text FROM {model._meta.db_table} t ORDER BY id")  # noqa: S608 - constants
            found += cursor.fetchall()
    return found


FRESH: Final = {"number": "72"}
GONE: Final = {"submitted_by_id": "%(jonas)s", "submissions_before": "0", "staged_at": "now()"}
CHECKS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("evidence_numbered_once", "pack", {}),
    ("evidence_submitted_once", "submitted", FRESH),
    ("evidence_state_known", "pack", {**FRESH, "state": "'lost'"}),
    ("evidence_submitted_by_a_person", "submitted", {**FRESH, "for_appeal": "TRUE", "submitted_by_id": "NULL"}),
    ("evidence_submitted_by_a_person", "submitted", {**FRESH, "for_appeal": "TRUE", "submissions_before": "NULL"}),
    ("evidence_submitted_by_a_person", "submitted", {**FRESH, "for_appeal": "TRUE", "staged_at": "NULL"}),
    ("evidence_submitted_says_when", "submitted", {**FRESH, "for_appeal": "TRUE", "submitted_at": "NULL"}),
    ("evidence_submitted_says_when", "submitted", {**FRESH, "for_appeal": "TRUE", "due_at": "now()"}),
    ("evidence_submitted_says_when", "pack", {**FRESH, "submitted_at": "now()"}),
    ("evidence_in_flight_is_due", "pack", {**FRESH, "state": "'staging'"}),
    ("evidence_in_flight_is_due", "pack", {**FRESH, **GONE, "state": "'submitting'", "for_appeal": "TRUE"}),
    ("evidence_document_once", "file", {}),
    ("deadline_warned_once", "warning", {}),
)


@pytest.mark.parametrize(("name", "row", "columns"), CHECKS)
def test_the_database_refuses(name: str, row: str, columns: dict[str, str], world: dict[str, int]) -> None:
    before = everything()

    diag = refusal(copy_of(TABLES[row], row, **columns), world)

    assert diag.constraint_name == name
    assert everything() == before


PACK: Final = "UPDATE refunds_disputeevidence SET {} WHERE id = %(pack)s"
FILE: Final = "UPDATE refunds_evidencefile SET {} WHERE id = %(file)s"
TRIGGERS: Final = (
    ("evidence_is_kept", "DELETE FROM refunds_disputeevidence WHERE id = %(pack)s"),
    ("evidence_pack_is_final", PACK.format("number = 73")),
    ("evidence_pack_is_final", PACK.format("dispute_id = dispute_id + 1")),
    ("evidence_pack_is_final", PACK.format("for_appeal = TRUE")),
    ("evidence_pack_is_final", PACK.format("pack = '[]'")),
    ("evidence_pack_is_final", PACK.format("assembled_at = now()")),
    ("evidence_pack_is_final", PACK.format("assembled_by_id = %(jonas)s")),
    ("evidence_submitted_is_final", "UPDATE refunds_disputeevidence SET edits = '{}' WHERE id = %(submitted)s"),
    ("evidence_file_is_kept", "DELETE FROM refunds_evidencefile WHERE id = %(file)s"),
    ("evidence_file_is_final", FILE.format("evidence_id = %(submitted)s")),
    ("evidence_file_is_final", FILE.format("document = 'receipt'")),
    ("evidence_file_is_final", FILE.format("name = 'other.pdf'")),
    ("evidence_file_is_final", FILE.format("size = 2")),
    ("evidence_file_is_final", FILE.format("sha256 = 'other'")),
    ("evidence_file_is_final", FILE.format("content = 'other'")),
)


@pytest.mark.parametrize(("trigger", "statement"), TRIGGERS)
def test_the_database_refuses_to(trigger: str, statement: str, world: dict[str, int]) -> None:
    before = everything()

    diag = refusal(statement, world)

    assert trigger in diag.context
    assert everything() == before


def test_every_named_rule_is_tested() -> None:
    tables = [model._meta.db_table for model in EVIDENCE]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
            " WHERE r.relname = ANY(%s) AND contype = 'c' AND conname !~ '_check$'"
            " UNION SELECT i.relname FROM pg_index x JOIN pg_class r ON r.oid = x.indrelid"
            " JOIN pg_class i ON i.oid = x.indexrelid"
            " WHERE r.relname = ANY(%s) AND x.indisunique AND NOT x.indisprimary",
            [tables, tables],
        )
        named = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT proname FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE NOT tgisinternal AND r.relname = ANY(%s)",
            [tables],
        )
        functions = {name for (name,) in cursor.fetchall()}

    tried = {name for name, _statement in TRIGGERS}
    assert named == {name for name, _row, _columns in CHECKS}
    assert {name for name in functions if not any(trigger in name for trigger in tried)} == set()
    assert len(functions) == len(tried)
