"""Mistakes about a whole list have the line of its first table, and broken TOML is told in words."""

import pytest

from refunds.policy import loader
from refunds.policy.loader import PolicyInvalid
from tests.refunds.policy.documents import MINIMAL, minimal_with


def mistake(text: str) -> tuple[str, int | None]:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")
    ((problem, line),) = zip(refusal.value.problems, refusal.value.lines, strict=True)
    return problem, line


def line_of(text: str, passage: str) -> int:
    return text[: text.index(passage)].count("\n") + 1


def test_an_unknown_list_has_the_line_of_its_first_table() -> None:
    text = f"{MINIMAL}\n[[extras]]\nid = 1\n\n[[extras]]\nid = 2\n"

    problem, line = mistake(text)

    assert problem.startswith("shop.toml: extras: unknown key")
    assert line == line_of(text, "[[extras]]")


def test_too_many_scopes_have_the_line_of_the_first() -> None:
    scopes = "".join(f'[[scopes]]\nid = "s{at}"\nname = "s"\nservices = [{at}]\n\n' for at in range(1, 10))
    text = MINIMAL.replace("[[clauses]]", f"{scopes}[[clauses]]", 1)

    problem, line = mistake(text)

    assert problem == "shop.toml: scopes: has 9 scopes; at most 8 are allowed"
    assert line == line_of(text, "[[scopes]]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (minimal_with('"Short and fair."', '"Short and fair.'), "a quotation mark is missing: the text that begins in"),
        (
            MINIMAL.replace("[[clauses]]", "[clauses]", 1),
            "[[clauses]] is a list, but [clauses] stands before it: write [[clauses]] in both places",
        ),
        (
            MINIMAL.replace("[[clauses]]", "[clauses]"),
            "[clauses] stands twice; in a list each is written [[clauses]], with two brackets",
        ),
    ],
)
def test_usual_mistakes_in_toml_are_told_in_words_with_their_line(text: str, said: str) -> None:
    problem, line = mistake(text)

    assert said in problem
    assert line is not None
    assert f"(at line {line}," in problem
