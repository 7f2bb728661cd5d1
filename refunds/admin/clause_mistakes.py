"""The mistakes of a clause as its form shows them: all at once, beside their fields, and without words of TOML."""

import re
from typing import Final

from panel.accounts.admin.asking import Mistakes
from refunds.policy.loader import PolicyInvalid
from refunds.policy.reading import Problem

_NO_ANSWER: Final = (
    "Tick at least one answer, or say how many hours after the end it holds; what no clause is about is left to the"
    " default."
)
_SUCH_AS: Final = re.compile(r"such as (.+)$")


def of(error: PolicyInvalid) -> Mistakes:
    """Return the mistakes of a document as those of the form of one of its clauses, what is said twice once."""
    return Mistakes(tuple(dict.fromkeys(_mistake(problem) for problem in error.problems)))


def _mistake(problem: Problem) -> tuple[str | None, str]:
    """Return the field of a problem, None where it has none, and what is wrong in the words of the form."""
    match problem.address:
        case ("clauses", int(), "when"):
            return None, _NO_ANSWER
        case ("clauses", int(), "when", str(fact), *_):
            return (fact if fact == "claim_window_hours" else f"when_{fact}"), _plain(problem.what)
        case ("clauses", int(), "then", str(key), *_) | ("default", "then", str(key), *_):
            return key, _plain(problem.what)
        case ("clauses", int(), str(key), *_) | ("default", str(key), *_):
            return key, _plain(problem.what)
        case _:
            return None, str(problem)


def _plain(what: str) -> str:
    """Leave out how a text is written in a document: forms need no quotation marks."""
    words = what.replace(" in quotation marks", "")
    return _SUCH_AS.sub(lambda found: f"such as {found[1].replace(chr(34), '')}", words)
