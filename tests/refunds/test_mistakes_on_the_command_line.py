"""Every command that takes a policy document names its mistakes with their lines, also as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.refunds.policy.documents import MINIMAL, minimal_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def good(tmp_path: Path) -> str:
    (tmp_path / "good.toml").write_text(MINIMAL, encoding="utf-8")
    return str(tmp_path / "good.toml")


@pytest.fixture
def bad(tmp_path: Path) -> str:
    text = minimal_with('on_loss = "ban"', 'on_loss = "burn"').replace("[24, 48]", "24")
    (tmp_path / "bad.toml").write_text(text, encoding="utf-8")
    return str(tmp_path / "bad.toml")


def commands(good: str, bad: str) -> dict[str, list[str]]:
    return {
        "check_policy": [bad],
        "diff_policy": [good, bad],
        "backtest_policy": [bad],
        "publish_policy": [bad],
    }


@pytest.mark.parametrize("command", ["check_policy", "diff_policy", "backtest_policy", "publish_policy"])
def test_each_problem_has_its_line(command: str, good: str, bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=r"^bad\.toml has 2 problems\.$"):
        call_command(command, *commands(good, bad)[command])

    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == ["line 47", "line 54"]


@pytest.mark.parametrize("command", ["check_policy", "diff_policy", "backtest_policy"])
@pytest.mark.parametrize("name", ["bad", "nowhere"])
def test_whoever_asks_for_json_gets_json(
    command: str, name: str, good: str, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = commands(good, bad if name == "bad" else f"{bad}.nowhere")[command]

    with pytest.raises(CommandError):
        call_command(command, *arguments, "--json")

    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["passed"] is False
    assert said["lines"] == ([47, 54] if name == "bad" else [None])
    assert len(said["problems"]) == len(said["lines"])
