"""How fine a policy may get: what is finer is refused when it is read; what is as fine is proved in seconds."""

import subprocess
import sys
import time

import pytest

from refunds.policy import analysis, differences, fineness, loader
from refunds.policy.document import Policy
from refunds.policy.grid import Grid
from refunds.policy.loader import PolicyInvalid
from tests.refunds.policy import finest
from tests.refunds.policy.documents import SHIPPED
from tests.refunds.policy.widened import WIDENED

SECONDS_OF_A_PROOF = 5
SECONDS_OF_A_DIFFERENCE = 10
MOST_KILOBYTES = 200_000

FINEST = [
    loader.loads(finest.text_of(seed, scopes=8, causes=11, chance=chance), "finest.toml")
    for seed, chance in ((1, 0.5), (2, 0.7), (3, 0.95))
]
WINDOWED = [
    loader.loads(finest.text_of(seed, scopes=6, causes=7, windows=windows, chance=0.5), "finest.toml")
    for seed, windows in ((1, (1, 25, 100, 800)), (2, (2, 30, 110, 900)))
]


def test_refuses_a_document_that_tells_too_much_apart_and_says_what_multiplies_it() -> None:
    text = finest.text_of(1, scopes=6, windows=(72,), chance=0.5)

    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")

    (problem,) = refusal.value.problems
    assert problem == (
        "shop.toml: clauses: tell 640,080 combinations of facts apart (254 of status, delivery, since_placed,"
        " since_final with 1 claim window and refill, times 15 of cause, times 4 of initiator, times 2 of terms,"
        " times 3 of standing, times 7 of scope); at most 500,000 can be proved. Use fewer scopes or claim windows,"
        " or treat more values of a fact alike in every clause"
    )
    (line,) = refusal.value.lines
    assert line is not None
    assert text.split("\n")[line - 1] == "[[scopes]]"


def test_the_limit_itself_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Grid(WIDENED).cells

    monkeypatch.setattr(fineness, "MOST_CELLS", cells)
    assert fineness.problem(WIDENED, "shop.toml") is None
    monkeypatch.setattr(fineness, "MOST_CELLS", cells - 1)
    assert fineness.problem(WIDENED, "shop.toml") is not None


def test_nothing_without_scopes_can_be_too_fine() -> None:
    text = finest.text_of(1, scopes=0, windows=(1, 25, 100, 800), chance=0.9)

    assert Grid(loader.loads(text, "shop.toml")).cells == 386 * 15 * 4 * 2 * 3 < fineness.MOST_CELLS


def test_a_document_with_other_problems_is_not_called_too_fine_as_well() -> None:
    text = finest.text_of(1, scopes=8, chance=0.5).replace('slug = "corner-shop"', "slug = 1")

    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")

    assert len(refusal.value.problems) == 1
    assert "slug" in refusal.value.problems[0]


@pytest.mark.parametrize("policy", [*FINEST, *WINDOWED], ids=lambda policy: policy.hash[:6])
def test_the_finest_policies_are_proved_in_seconds(policy: Policy) -> None:
    assert fineness.MOST_CELLS * 0.9 < Grid(policy).cells <= fineness.MOST_CELLS

    start = time.process_time()
    proof = analysis.prove(policy)
    seconds = time.process_time() - start

    assert proof.complete
    assert sum(row.combinations for row in proof.default_rows) == proof.defaulted
    assert seconds < SECONDS_OF_A_PROOF


@pytest.mark.parametrize(("old", "new"), [FINEST[:2], FINEST[1:], WINDOWED], ids=("fine", "finer", "windows"))
def test_two_of_the_finest_are_compared_in_seconds(old: Policy, new: Policy) -> None:
    assert Grid(old, new).cells > 4 * fineness.MOST_CELLS

    start = time.process_time()
    found = differences.compare(old, new)
    seconds = time.process_time() - start

    assert sum(change.row.combinations for change in found.changes) == found.changed > 0
    assert seconds < SECONDS_OF_A_DIFFERENCE


def test_two_of_the_finest_are_compared_in_little_memory() -> None:
    program = """
import resource
from refunds.policy import differences
from tests.refunds.policy.test_fineness import FINEST

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
differences.compare(*FINEST[:2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert int(ran.stdout) < MOST_KILOBYTES


def test_what_would_be_too_many_rules_to_read_is_told_by_clause() -> None:
    found = differences.compare(*FINEST[:2])

    assert {tuple(heading for heading, _ in change.row.facts) for change in found.changes} == {
        ("Decided by", "Then by")
    }
    assert {(change.clauses_before, change.clauses_after) for change in found.changes} == {
        ((before,), (after,)) for (_, before), (_, after) in (change.row.facts for change in found.changes)
    }
    assert analysis.prove(FINEST[1]).default_rows[0].words == ("Too many parts to list: whatever no clause covers")


def test_the_shipped_policies_are_compared_in_a_moment() -> None:
    start = time.process_time()
    differences.compare(*SHIPPED)

    assert time.process_time() - start < 2
