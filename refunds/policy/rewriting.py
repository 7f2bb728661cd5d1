"""Changing one clause in the text of a policy document, and leaving every other line as its author wrote it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from panel.kernel.errors import NotFound
from refunds.policy import source
from refunds.policy.source import Address, Block, Places


class ClauseNotFound(NotFound):
    """The document has no clause at this place."""

    code = "policy_clause_not_found"


@dataclass(frozen=True, slots=True)
class ClauseFields:
    """What a form holds about a clause, as text: it may be anything; the loader says what is wrong with it.

    Attributes:
        when: the values by fact, `scope` among them; facts without any are left out.
        claim_window_hours: None for none.
        cap, fee: as in the document, such as `50 %`; empty for none.
    """

    id: str
    group: str
    refund: str
    approval: str
    text: str
    because: str
    passage: str
    when: Mapping[str, Sequence[str]] = field(default_factory=dict)
    claim_window_hours: int | None = None
    cap: str = ""
    fee: str = ""
    keeps_undelivered: bool = False


def replaced(text: str, place: int | None, fields: ClauseFields) -> str:
    """Return the document with the clause at a place (None: the default) written anew; its comment lines stay.

    Raises ClauseNotFound.
    """
    places, lines = source.places(text), text.split("\n")
    block = _block(places, place)
    comments = [lines[line - 1] for line in sorted(places.comments) if block.first < line <= block.last]
    header, *rest = written(fields, is_default=place is None)
    return "\n".join([*lines[: block.first - 1], header, *comments, *rest, *lines[block.last :]])


def inserted(text: str, before: int | None, fields: ClauseFields) -> str:
    """Return the document with a new clause before the one at a place (None: before the default, so last).

    Raises ClauseNotFound.
    """
    lines, first = text.split("\n"), _block(source.places(text), before).first
    return "\n".join([*lines[: first - 1], *written(fields, is_default=False), "", *lines[first - 1 :]])


def removed(text: str, place: int, *, examples: Collection[int] = ()) -> str:
    """Return the document without the clause at a place, and without the examples at these. Raises ClauseNotFound."""
    places, lines = source.places(text), text.split("\n")
    blocks = [_block(places, place), *(places.blocks["examples", one] for one in examples)]
    for block in sorted(blocks, key=lambda block: block.first, reverse=True):
        after = block.last
        while after < len(lines) and not lines[after].strip():
            after += 1
        del lines[block.first - 1 : after]
    return "\n".join(lines)


def moved(text: str, place: int, *, to: int) -> str:
    """Return the document with two clauses in each other's places. Raises ClauseNotFound."""
    places = source.places(text)
    first, second = sorted([_block(places, place), _block(places, to)], key=lambda block: block.first)
    lines = text.split("\n")
    return "\n".join(
        [
            *lines[: first.first - 1],
            *lines[second.first - 1 : second.last],
            *lines[first.last : second.first - 1],
            *lines[first.first - 1 : first.last],
            *lines[second.last :],
        ]
    )


def written(fields: ClauseFields, *, is_default: bool) -> list[str]:
    """Return the lines of a clause."""
    lines = ["[default]"] if is_default else ["[[clauses]]", f"id = {_text(fields.id)}"]
    lines.append(f"group = {_text(fields.group)}")
    if not is_default:
        lines += [f"when.{fact} = {_list(values)}" for fact, values in fields.when.items() if values]
        if fields.claim_window_hours is not None:
            lines.append(f"when.claim_window_hours = {fields.claim_window_hours}")
    then = {"refund": _text(fields.refund), "approval": _text(fields.approval)}
    if fields.cap:
        then["cap"] = _text(fields.cap)
    if fields.fee:
        then["fee"] = _text(fields.fee)
    if fields.keeps_undelivered:
        then["keeps_undelivered"] = "true"
    lines.append(f"then = {{ {', '.join(f'{key} = {value}' for key, value in then.items())} }}")
    lines += [f"{key} = {_text(getattr(fields, key))}" for key in ("text", "because", "passage")]
    return lines


def _block(places: Places, place: int | None) -> Block:
    address: Address = ("default",) if place is None else ("clauses", place)
    found = places.blocks.get(address)
    if found is None:
        raise ClauseNotFound("There is no such clause in this document.")
    return found


def _text(value: str) -> str:
    """Write a text in quotation marks; the escapes of JSON are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"
