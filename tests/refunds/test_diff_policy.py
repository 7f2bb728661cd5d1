import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.refunds.policy.documents import MINIMAL, SHIPPED_FILES, minimal_with

MONEY_BACK, CREDIT_ONLY = (str(path) for path in SHIPPED_FILES)


def test_json_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("diff_policy", MONEY_BACK, CREDIT_ONLY, "--json")

    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert printed.err == ""
    assert (report["combinations"], report["changed"], report["moved"]) == (75_600, 36_524, 37_032)
    assert sum(change["combinations"] for change in report["changes"]) == report["changed"]
    assert {change["direction"] for change in report["changes"]} <= {"more", "less", "either", "same_amount"}
    assert {"key": "slug", "before": "money-back-guarantee", "after": "panel-credit-only"} in report["figures"]


def test_says_when_nothing_differs(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("diff_policy", MONEY_BACK, MONEY_BACK)

    assert capsys.readouterr().out == "Nothing differs.\n"


def test_tells_rules_and_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(MINIMAL, encoding="utf-8")
    new.write_text(minimal_with('refund = "full", approval = "review"', 'refund = "none", approval = "automatic"'))

    call_command("diff_policy", str(old), str(new))

    report = capsys.readouterr().out
    assert "    before: everything, after review (dropped-out)\n    after:  nothing (dropped-out)\n" in report
    assert "    less for the customer; 2,016 combinations" in report


@pytest.mark.parametrize("is_json", [False, True])
def test_refuses_a_document_that_is_not_there_with_exit_code_1(
    is_json: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("diff_policy", MONEY_BACK, str(tmp_path / "nowhere.toml"), *(["--json"] if is_json else []))

    assert refusal.value.returncode == 1
    assert ('"passed": false' in capsys.readouterr().out) is is_json
