"""From a TOML document to a Policy, or to every problem that it has."""

import hashlib
import tomllib
from pathlib import Path
from typing import Final

from panel.kernel.errors import NotFound, Refused
from refunds.policy import sections
from refunds.policy.document import DEFAULT_ID, Approval, Clause, Policy, Refund, Section
from refunds.policy.facts import VOCABULARY, Status
from refunds.policy.matching import Condition
from refunds.policy.reading import Table
from refunds.policy.sections import LONGEST_TITLE

SHIPPED: Final = Path(__file__).resolve().parent.parent / "policies"
"""The folder of the policies that ship with the panel, one TOML file each, named by slug."""

_LONGEST_REASON: Final = 300

_NOUNS: Final = {
    "status": "a status",
    "delivery": "a delivery",
    "cause": "a cause",
    "initiator": "an initiator",
    "terms": "a kind of service terms",
    "standing": "a standing",
    "since_placed": "an age since placed",
    "since_final": "an age since final",
}


class PolicyInvalid(Refused):
    """A policy document can't be used; `problems` holds every problem found, one sentence each."""

    code = "policy_invalid"

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep the problems; the message is all of them, one a line."""
        super().__init__("\n".join(problems))
        self.problems = problems


class PolicyNotFound(NotFound):
    """There is no policy document of this name."""

    code = "policy_not_found"


def canonical(text: str) -> str:
    """Return the text whose UTF-8 bytes are hashed: line ends are single line feeds, nothing else is changed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def loads(text: str, source: str) -> Policy:
    """Read a policy document; `source` names it in problems, such as `money-back.toml`.

    Raises PolicyInvalid with every problem, each naming source, clause and key and saying what is allowed; a syntax
    error of TOML is the only problem then and carries line and column.
    """
    kept = canonical(text)
    try:
        data = tomllib.loads(kept)
        digest = hashlib.sha256(kept.encode()).hexdigest()
    except (ValueError, RecursionError) as error:  # beside bad syntax: endless digits, endless nesting, half characters
        raise PolicyInvalid((f"{source}: not a TOML document: {error}",)) from error

    problems: list[str] = []
    document = Table(data, place=source, problems=problems)
    policy = Policy(
        slug=document.identifier("slug"),
        title=document.text("title", longest=LONGEST_TITLE),
        updated=document.day("updated"),
        summary=document.text("summary"),
        introduction=document.text("introduction"),
        customer_cancellation=document.choices("customer_cancellation", Status, "a status", least=0),
        cancel_requests=document.choices("cancel_requests", Status, "a status", least=0),
        clauses=_clauses(document, source, problems),
        default=_clause(document.table("default", f"{source}: [default]", prefix=""), default=True),
        withdrawals=sections.withdrawals(document.table("withdrawals")),
        review=sections.review(document.table("review")),
        abuse=sections.abuse(document.table("abuse")) if document.has("abuse") else None,
        chargebacks=sections.chargebacks(document.table("chargebacks")),
        contact=sections.contact(document.table("contact")),
        sections=_sections(document, source, problems),
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
    if problems:
        raise PolicyInvalid(tuple(problems))
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
        raise PolicyInvalid((f"{path.name}: not UTF-8: a wrong byte at line {line}",)) from error
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


def _clauses(document: Table, source: str, problems: list[str]) -> tuple[Clause, ...]:
    clauses = tuple(_clause(table) for table in document.tables("clauses", "clause", source, required=True))
    _refuse_twins([clause.id for clause in clauses], "clause", source, problems)
    if any(clause.id == DEFAULT_ID for clause in clauses):
        problems.append(f"{source}: clause 'default': id: is kept for the table [default]; choose another")
    return clauses


def _clause(table: Table, *, default: bool = False) -> Clause:
    clause_id = DEFAULT_ID if default else table.identifier("id")
    condition = () if default else _condition(table.table("when"))
    then = table.table("then")
    refund = then.choice("refund", Refund, "a refund")
    approval = then.choice("approval", Approval, "an approval")
    then.close()
    clause = Clause(
        id=clause_id,
        group=table.text("group", placeholders=(), longest=LONGEST_TITLE),
        when=condition,
        refund=refund,
        approval=approval,
        text=table.text("text"),
        because=table.text("because", placeholders=(), longest=_LONGEST_REASON),
        passage=table.text("passage", placeholders=()),
    )
    if clause.because.endswith((".", "!", "?")):
        table.problem("because", "is the end of a sentence; leave out the full stop")
    table.close()
    return clause


def _condition(when: Table) -> Condition:
    named = [fact for fact in VOCABULARY if when.has(fact)]
    condition = tuple((fact, tuple(when.choices(fact, VOCABULARY[fact], _NOUNS[fact]))) for fact in named)
    when.close()
    if not named and when.exists:
        when.report("covers everything; name at least one fact, and leave the rest to the table [default]")
    return condition


def _sections(document: Table, source: str, problems: list[str]) -> tuple[Section, ...]:
    found = tuple(sections.free(table) for table in document.tables("sections", "section", source, required=False))
    _refuse_twins([section.id for section in found], "section", source, problems)
    return found


def _refuse_twins(ids: list[str], noun: str, source: str, problems: list[str]) -> None:
    problems.extend(
        f"{source}: {noun} {twin!r}: id: is used by {ids.count(twin)} {noun}s; each needs its own"
        for twin in dict.fromkeys(ids)
        if twin and ids.count(twin) > 1
    )
