import re
from pathlib import Path

import pytest

from refunds.policy import analysis, document, loader, sections
from refunds.policy.facts import VOCABULARY

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_example_in_the_documentation_passes_its_proof() -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

    assert analysis.prove(loader.loads(example, "docs.toml")).passed


@pytest.mark.parametrize("fact", VOCABULARY)
def test_the_documentation_explains_every_fact_and_value(fact: str) -> None:
    assert all(f"`{word}`" in PAGE for word in (fact, *VOCABULARY[fact]))


@pytest.mark.parametrize(
    "words",
    [
        document.Destination,
        document.OnOpen,
        document.OnLoss,
        document.OnWin,
        document.Fee,
        document.Contest,
        document.Refund,
        document.Approval,
    ],
)
def test_the_documentation_lists_every_choice(words: type[document.Refund]) -> None:
    assert all(f"`{word}`" in PAGE or f'"{word}"' in PAGE for word in words)


@pytest.mark.parametrize(
    "part",
    [
        document.Policy,
        document.Clause,
        document.Withdrawals,
        document.Review,
        document.Chargebacks,
        document.Contact,
        document.Section,
    ],
)
def test_the_documentation_lists_every_key(part: type[document.Policy]) -> None:
    made_by_the_loader = {"hash", "text", "refund", "approval", "clauses", "default"}
    keys = set(part.__dataclass_fields__) - made_by_the_loader

    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE and f"[{key}]" not in PAGE] == []


def test_the_documentation_states_the_size_of_the_proof_and_of_a_title() -> None:
    assert "27,720" in PAGE
    assert f"at most {sections.LONGEST_TITLE} characters" in PAGE
