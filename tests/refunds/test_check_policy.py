import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from refunds.policy import loader
from tests.refunds.policy.documents import MINIMAL, SHIPPED_FILES, minimal_with
from tests.refunds.policy.test_analysis import GREEDY
from tests.refunds.policy.test_example_reading import EXAMPLE


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str) -> str:
        path = tmp_path / "shop.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def refusal_of(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        call_command("check_policy", *arguments)
    assert refusal.value.returncode == 1
    return refusal.value


@pytest.mark.parametrize("path", SHIPPED_FILES, ids=lambda path: path.stem)
def test_passes_the_shipped_policies(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_policy", str(path))

    report = capsys.readouterr().out
    policy = loader.load_file(path)
    assert policy.hash in report
    assert "75,600 combinations of facts, 75,600 decided" in report
    assert all(f"\n{clause.id} " in report for clause in policy.rules)
    assert report.endswith("Passed: every combination is decided and every clause can decide.\n")


def test_reports_who_wins_where_clauses_overlap(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_policy", write(MINIMAL))

    assert (
        "  dropped-out before partly: both cover 2,016, of which dropped-out decides 2,016\n" in capsys.readouterr().out
    )


def test_prints_every_problem_of_an_invalid_document(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    refusal = refusal_of(write(minimal_with('["dropped", "correction"]', '["dropt", "corection"]')))

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "line 13: shop.toml: clause 'dropped-out': when.cause: 'dropt' is not a cause; did you mean "
    )
    assert str(refusal) == "shop.toml has 2 problems."


def test_refuses_a_policy_with_a_clause_that_never_decides(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    refusal = refusal_of(write(minimal_with('[[clauses]]\nid = "partly"\n', GREEDY)))

    report = capsys.readouterr().out
    assert next(line for line in report.splitlines() if line.endswith("never decides")).startswith("partly ")
    assert str(refusal) == "shop.toml can't be published."


def test_names_each_example_that_fails_with_what_was_expected_and_what_came(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = EXAMPLE.replace("A part", "Another part").replace('"4.00"', '"4.01"')

    refusal = refusal_of(write(MINIMAL + EXAMPLE + wrong))

    report = capsys.readouterr().out
    assert "Examples: 1 of 2 pass." in report
    assert (
        "  FAILS: Another part is missing\n"
        "    expected 4.01 by partly, automatic\n"
        "    came     4.00 by partly, automatic\n"
    ) in report
    assert str(refusal) == "shop.toml can't be published."


def test_names_what_does_not_hold_for_every_order(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    kept = minimal_with('refund = "undelivered", approval = "automatic"', 'refund = "none", approval = "review"')

    refusal = refusal_of(write(kept))

    sentence = "Money for undelivered work of ended orders is kept only by clauses that say so."
    assert f"  BROKEN: {sentence}\n" in capsys.readouterr().out
    assert str(refusal) == "shop.toml can't be published."


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert str(refusal_of(str(tmp_path / "nowhere.toml"))).endswith(
        "nowhere.toml: can't be read: No such file or directory"
    )


def test_json_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_policy", str(SHIPPED_FILES[0]), "--json")

    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert printed.err == ""
    assert report["passed"] is report["complete"] is True
    assert report["slug"] == "money-back-guarantee"
    assert report["unreachable"] == report["problems"] == []
    assert report["reach"][0] == {"clause_id": "still-pending", "covers": 2880, "decides": 2880}
    assert {"winner", "loser", "combinations", "decided_by_winner"} == report["overlaps"][0].keys()
    assert report["tried"][0] == {
        "name": "A pending order is owed nothing as long as nobody cancels it",
        "passed": True,
        "expected": "0.00 by still-pending, automatic",
        "said": "0.00 by still-pending, automatic",
    }
    assert report["without_example"] == []


def test_json_carries_the_problems_too(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    refusal_of(write(minimal_with('on_loss = "ban"', 'on_loss = "burn"')), "--json")

    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert report["problems"][0].startswith("shop.toml: chargebacks.on_loss: 'burn'")


@pytest.mark.django_db
def test_names_that_the_panel_does_not_have_keep_a_document_from_passing(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = minimal_with('summary = "Short', 'customer_group = "nobodies"\nsummary = "Short')
    path = write(
        text.replace("[[clauses]]", '[[scopes]]\nid = "one"\nname = "one"\nservices = [987]\n\n[[clauses]]', 1)
    )

    assert str(refusal_of(path)) == "shop.toml can't be published."
    said = capsys.readouterr().out
    assert "There is no customer group 'nobodies'; make it first, or correct customer_group." in said
    assert "Scope one names service 987, which there is not." in said
    assert said.endswith("Not passed: 2 names that this panel does not have.\n")
    refusal_of(path, "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["passed"], len(report["unknown"])) == (False, 2)
