"""From a TOML document to a Policy, or to every problem that it has."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from panel.kernel.errors import NotFound, Refused
from refunds.policy import clause_reading, example_reading, fineness, sections
from refunds.policy.document import DEFAULT_ID, Policy, Section
from refunds.policy.facts import Status
from refunds.policy.reading import Problem, Table
from refunds.policy.sections import LONGEST_TITLE
from refunds.policy.source import excess
from refunds.policy.source import places as source_places

SHIPPED: Final = Path(__file__).resolve().parent.parent / "policies"
"""The folder of the policies that ship with the panel, one TOML file each, named by slug."""


_LONGEST_PROBLEM: Final = 300
_LINE: Final = re.compile(r"\(at line ([0-9]+),")


class PolicyInvalid(Refused):
    """A policy document can't be used; `problems` holds every problem found, one sentence each, `lines` where it is."""

    code = "policy_invalid"

    def __init__(self, problems: tuple[Problem, ...], text: str = "", line: int | None = None) -> None:
        """Keep the problems; the message is all of them, one a line.

        `text` is the document, if it is TOML at all; otherwise `line` is that of the mistake, if it is known.
        """
        super().__init__("\n".join(problems))
        self.problems: tuple[Problem, ...] = problems
        found = source_places(text) if text else None
        self.lines: tuple[int | None, ...] = tuple(
            found.line(problem.address) if found else line for problem in problems
        )


class PolicyNotFound(NotFound):
    """There is no policy document of this name."""

    code = "policy_not_found"


def canonical(text: str) -> str:
    """Return the text whose UTF-8 bytes are hashed: line ends are single line feeds, nothing else is changed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parsed(text: str, source: str) -> dict[str, Any]:
    """Return what a TOML document holds, whatever it is about. Raises PolicyInvalid, with the line if known."""
    where = f"{source}: not a TOML document"
    if found := excess(text):
        line, what = found
        raise PolicyInvalid((Problem(f"{source}: no policy needs", f"{what} (at line {line})"),), line=line)
    try:
        text.encode()
        return tomllib.loads(text)
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise PolicyInvalid((Problem(where, f"half a character (at line {line})"),), line=line) from error
    except (ValueError, RecursionError) as error:
        at = _LINE.search(str(error))
        raise PolicyInvalid(
            (Problem(where, _syntax(text, str(error))[:_LONGEST_PROBLEM]),), line=int(at[1]) if at else None
        ) from error


def _syntax(text: str, said: str) -> str:
    """Put the usual mistakes of writers into words; whatever else it is stays as the reader of TOML says it."""
    at = _LINE.search(said)
    if at is None:
        return said
    where, line = said[at.start() :], text.split("\n")[int(at[1]) - 1].strip()
    if said.startswith("Illegal character '\\n'"):
        return f"a quotation mark is missing: the text that begins in this line has no end {where}"
    if said.startswith(("Cannot overwrite a value", "Cannot declare")):
        name = line.strip("[] ").split("]", 1)[0]
        if line.startswith("[["):
            return f"[[{name}]] is a list, but [{name}] stands before it: write [[{name}]] in both places {where}"
        if line.startswith("["):
            return f"[{name}] stands twice; in a list each is written [[{name}]], with two brackets {where}"
    return said


def loads(text: str, source: str) -> Policy:
    """Read a policy document; `source` names it in problems, such as `money-back.toml`.

    Raises PolicyInvalid with every problem, each naming source, clause and key and saying what is allowed; a syntax
    error of TOML, or more of anything than a policy needs, is the only problem then and carries its line.
    """
    kept = canonical(text)
    data = parsed(kept, source)
    digest = hashlib.sha256(kept.encode()).hexdigest()
    problems: list[Problem] = []
    document = Table(data, place=source, problems=problems)
    scopes = clause_reading.scopes(document, source)
    clauses = clause_reading.clauses(document, source, scopes)
    clause_ids = (*(clause.id for clause in clauses), DEFAULT_ID)
    policy = Policy(
        slug=document.identifier("slug"),
        title=document.text("title", longest=LONGEST_TITLE),
        updated=document.day("updated"),
        summary=document.text("summary"),
        introduction=document.text("introduction"),
        customer_cancellation=document.choices("customer_cancellation", Status, "a status", least=0),
        cancel_requests=document.choices("cancel_requests", Status, "a status", least=0),
        customer_group=document.identifier("customer_group") if document.has("customer_group") else "",
        scopes=scopes,
        clauses=clauses,
        default=clause_reading.default(document, source),
        withdrawals=sections.withdrawals(document.table("withdrawals")),
        review=sections.review(document.table("review")),
        abuse=sections.abuse(document.table("abuse")) if document.has("abuse") else None,
        chargebacks=sections.chargebacks(document.table("chargebacks")),
        fraud_warnings=(
            sections.fraud_warnings(document.table("fraud_warnings")) if document.has("fraud_warnings") else None
        ),
        contact=sections.contact(document.table("contact")),
        sections=_sections(document, source),
        examples=example_reading.examples(document, source, clause_ids),
        hash=digest,
        text=kept,
    )
    for key, statuses in (
        ("customer_cancellation", policy.customer_cancellation),
        ("cancel_requests", policy.cancel_requests),
    ):
        for status in statuses:
            if status not in _CANCELABLE[key]:
                document.problem(key, f"{str(status)!r} can't be here; allowed: {', '.join(_CANCELABLE[key])}")
    document.close()
    if not problems:  # stand-ins would tell nothing apart
        too_fine = fineness.problem(policy, source)
        problems += [too_fine] if too_fine else []
    if problems:
        raise PolicyInvalid(tuple(problems), kept)
    return policy


_CANCELABLE: Final = {
    # Only an order that was not sent anywhere can be canceled without the provider; see orders' lifecycle.
    "customer_cancellation": (Status.PENDING,),
    "cancel_requests": (Status.PROCESSING, Status.IN_PROGRESS),
}


def load_file(path: Path) -> Policy:
    """Read a policy document from a file; its name is the source that problems name.

    Raises PolicyInvalid, and PolicyNotFound when the file can't be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path}: can't be read: {error.strerror}"
        raise PolicyNotFound(message) from error
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyInvalid((Problem(f"{path.name}: not UTF-8", f"a wrong byte at line {line}"),), line=line) from error
    return loads(text, path.name)


def load_shipped(slug: str) -> Policy:
    """Read one of the policies that ship with the panel.

    Raises PolicyNotFound, naming those that there are.
    """
    if slug not in shipped_slugs():
        message = f"there is no shipped policy {slug!r}; there are: {', '.join(shipped_slugs())}"
        raise PolicyNotFound(message)
    return load_file(SHIPPED / f"{slug}.toml")


def shipped_slugs() -> tuple[str, ...]:
    """Return the slugs of the policies that ship with the panel, sorted."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def _sections(document: Table, source: str) -> tuple[Section, ...]:
    found = tuple(sections.free(table) for table in document.tables("sections", "section", source, required=False))
    document.refuse_twins([section.id for section in found], "section", source)
    return found
