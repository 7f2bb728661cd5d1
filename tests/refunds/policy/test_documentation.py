import re
from pathlib import Path

import pytest

from refunds.policy import analysis, clauses, document, loader, scopes, sections
from refunds.policy.facts import VOCABULARY
from tests.refunds.policy.documents import SHIPPED

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
        clauses.Refund,
        clauses.Approval,
    ],
)
def test_the_documentation_lists_every_choice(words: type[clauses.Refund]) -> None:
    assert all(f"`{word}`" in PAGE or f'"{word}"' in PAGE for word in words)


@pytest.mark.parametrize(
    "part",
    [
        document.Policy,
        clauses.Clause,
        scopes.Scope,
        document.Example,
        document.Withdrawals,
        document.Review,
        document.Abuse,
        document.Chargebacks,
        document.Contact,
        document.Section,
    ],
)
def test_the_documentation_lists_every_key(part: type[document.Policy]) -> None:
    made_by_the_loader = {"hash", "text", "refund", "approval", "clauses", "default", "amounts", "owed"}
    keys = set(part.__dataclass_fields__) - made_by_the_loader

    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE and f"[{key}]" not in PAGE] == []


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_the_documentation_owns_up_to_the_figures_that_no_source_names(policy: document.Policy) -> None:
    reading = " ".join(PAGE.split(f"### `{policy.slug}`", 1)[1].split("### ", 1)[0].split())
    rules = policy.abuse
    assert rules is not None

    assert policy.review.confirm_above is not None
    assert f"Refunds above {policy.review.confirm_above:.2f} are confirmed by a second person" in reading
    assert (
        f"{rules.rate_least} requests that are {rules.rate_percent} % of the orders, {rules.same_link} for one link, "
        f"{rules.soon_claims} within {rules.soon_hours} hours of completion, each in {rules.window_days} days"
    ) in reading


def test_the_documentation_states_the_size_of_the_proof_and_of_a_title() -> None:
    assert "75,600" in PAGE
    assert f"at most {sections.LONGEST_TITLE} characters" in PAGE
