from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.fulfilment.reports import FINAL, Nonsense, NonsenseKind, ProviderStatus, Report, Understood, interpret

JSON_SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.decimals() | st.floats() | st.just(10**4000)
JSON = st.recursive(
    JSON_SCALARS | st.integers(0, 1200) | st.integers(0, 1200).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
SPELLED = st.sampled_from(["Pending", "Processing", "In progress", "Partial", "Canceled", "Cancelled", "Completed"])

ARABIC_TEN = "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT ZERO}"
FULL_WIDTH_TEN = "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT ZERO}"
NO_PLAIN_NUMBERS = [
    *(-1, 1.0, Decimal("157.0"), True, False, float("nan"), 10**4000, [], [10], {}, {"remains": 10}),
    *("-1", "+1", "1e2", "1E2", "1.0", " 10", "10\n", "1_0", "1,000", "0x10", "NaN", "N/A", "null", "9" * 30),
    *(ARABIC_TEN, FULL_WIDTH_TEN),
]


def report(status: str, remains: object = None, start_count: object = None) -> Report:
    return Report(raw_status=status, start_count=start_count, remains=remains, charge="0.90")


@pytest.mark.parametrize(
    ("spelling", "status"),
    [
        ("Pending", "pending"),
        ("pending", "pending"),
        ("Processing", "processing"),
        ("In progress", "in_progress"),
        ("IN PROGRESS", "in_progress"),
        ("Inprogress", "in_progress"),
        ("in_progress", "in_progress"),
        ("In-Progress", "in_progress"),
        (" In  progress ", "in_progress"),
        ("Partial", "partial"),
        ("Canceled", "canceled"),
        ("Cancelled", "canceled"),
        ("CANCELED", "canceled"),
        ("Completed", "completed"),
    ],
)
def test_reads_the_known_statuses_in_every_spelling(spelling: str, status: str) -> None:
    understood = interpret(report(spelling, "0", "3572"), 1000)

    assert understood == Understood(ProviderStatus(status), 0, 3572)
    assert isinstance(understood, Understood)
    assert understood.status == status


@pytest.mark.parametrize(
    "status", ["", "Refunded", "Fail", "Error", "Complete", "Par tial!", "Par\ufffdtial", "null", "5"]
)
def test_an_unknown_status_is_never_taken_for_another(status: str) -> None:
    nonsense = interpret(report(status, "0"), 1000)

    assert nonsense == Nonsense(NonsenseKind.UNKNOWN_STATUS, f"the provider reports the status {status!r}")


@pytest.mark.parametrize("status", ["Partial", "Canceled", "Completed"])
@pytest.mark.parametrize("remains", [None, ""])
def test_a_final_status_without_remains_is_nonsense(status: str, remains: object) -> None:
    nonsense = interpret(report(status, remains), 1000)

    assert nonsense == Nonsense(NonsenseKind.MISSING_REMAINS, f"the order is {status.lower()} but remains is missing")


@pytest.mark.parametrize("status", ["Pending", "Processing", "In progress"])
@pytest.mark.parametrize("remains", [None, ""])
def test_an_open_status_may_lack_remains(status: str, remains: object) -> None:
    understood = interpret(report(status, remains), 1000)

    assert isinstance(understood, Understood)
    assert understood.remains is None


@pytest.mark.parametrize("status", ["Pending", "In progress", "Partial", "Canceled", "Completed"])
@pytest.mark.parametrize("remains", NO_PLAIN_NUMBERS, ids=lambda value: repr(value)[:20])
def test_remains_that_is_no_plain_number_is_nonsense_in_every_status(status: str, remains: object) -> None:
    nonsense = interpret(report(status, remains), 1000)

    assert isinstance(nonsense, Nonsense)
    assert nonsense.kind == "bad_remains"
    assert len(nonsense.detail) < 120


@pytest.mark.parametrize("status", ["Pending", "In progress", "Partial", "Canceled", "Completed"])
def test_remains_above_the_quantity_is_nonsense_in_every_status(status: str) -> None:
    nonsense = interpret(report(status, "1500"), 1000)

    assert nonsense == Nonsense(NonsenseKind.BAD_REMAINS, "remains is 1500 but the order is for 1000")


def test_completed_with_something_left_contradicts_itself() -> None:
    nonsense = interpret(report("Completed", 3), 1000)

    assert nonsense == Nonsense(NonsenseKind.CONTRADICTION, "the order is completed but remains is 3")


@pytest.mark.parametrize(("remains", "units"), [(0, 0), ("0", 0), ("157", 157), (1000, 1000), ("0007", 7)])
def test_partial_takes_remains_as_number_or_text(remains: object, units: int) -> None:
    assert interpret(report("Partial", remains), 1000) == Understood(ProviderStatus.PARTIAL, units, None)


@pytest.mark.parametrize("start_count", [None, "", "n/a", -4, "-4", 1.5, True, [], {}, "1e9", ARABIC_TEN])
def test_junk_in_the_start_count_is_left_out(start_count: object) -> None:
    assert interpret(report("Partial", "157", start_count), 1000) == Understood(ProviderStatus.PARTIAL, 157, None)


def test_the_detail_escapes_what_a_database_can_not_store() -> None:
    nonsense = interpret(report("Partial", "1\x00\ud800"), 1000)

    assert nonsense == Nonsense(NonsenseKind.BAD_REMAINS, r"remains is '1\x00\ud800', not a plain whole number")


@given(status=SPELLED | st.text(), remains=JSON, start_count=JSON, charge=JSON, quantity=st.integers(1, 10**9))
def test_never_raises_and_never_understands_more_left_than_ordered(
    status: str, remains: Any, start_count: Any, charge: Any, quantity: int
) -> None:
    outcome = interpret(Report(status, start_count, remains, charge), quantity)

    if isinstance(outcome, Understood):
        assert outcome.remains is None or 0 <= outcome.remains <= quantity
        assert outcome.remains is not None or outcome.status not in FINAL
        assert outcome.start_count is None or outcome.start_count >= 0
    else:
        assert outcome.detail
