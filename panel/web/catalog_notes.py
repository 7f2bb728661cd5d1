"""What is refunded for the services of the catalog: each different note once, under a title that says for which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from orders.models import Service, Terms
from orders.ports import OrderNote
from panel.accounts.models import Standing
from refunds import order_policy

MOST: Final = 12
"""A policy with many scopes could have three dozen notes; the order form says what holds for the rest."""


class _Kind(NamedTuple):
    """What notes differ by. None: any of those that are shown."""

    scope: str | None
    terms: Terms | None
    refill: bool | None


@dataclass(frozen=True, slots=True)
class TitledNote:
    """A note and the services that it is for, in words. `anchor` is unique on the page."""

    anchor: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a catalog.

    Attributes:
        shown: at most MOST, in the order in which the catalog needs them.
        are_all: whether no note was left out.
        of_service: the anchor of a service's note by the service's number, empty when it is not among them.
        ends_with_start: the services of which nothing is refunded once delivery has begun.
    """

    shown: tuple[TitledNote, ...]
    are_all: bool
    of_service: dict[int, str]
    ends_with_start: frozenset[int]


NO_NOTES: Final = Notes(shown=(), are_all=True, of_service={}, ends_with_start=frozenset())


def of(services: Sequence[Service], version: int, standing: Standing) -> Notes:
    """Return what this policy version gives back for each of the services to a customer of this standing."""
    notes = order_policy.order_notes(version, services, standing)
    found = {service.pk: (_kind(note, service), note) for service, note in zip(services, notes, strict=True)}
    kinds_of: dict[tuple[str, ...], set[_Kind]] = {}
    for kind, note in found.values():
        kinds_of.setdefault(note.lines, set()).add(kind)
    every = {kind for kind, _ in found.values()}
    shown = tuple(
        TitledNote(f"refunds-{number}", _title(_folded(kinds, every)), lines)
        for number, (lines, kinds) in enumerate(list(kinds_of.items())[:MOST], start=1)
    )
    anchors = {note.lines: note.anchor for note in shown}
    return Notes(
        shown=shown,
        are_all=len(shown) == len(kinds_of),
        of_service={number: anchors.get(note.lines, "") for number, (_, note) in found.items()},
        ends_with_start=frozenset(number for number, (_, note) in found.items() if note.ends_with_start),
    )


def _kind(note: OrderNote, service: Service) -> _Kind:
    return _Kind(note.scope, service.terms, service.allows_refill)


def _folded(kinds: set[_Kind], every: set[_Kind]) -> list[_Kind]:
    """Leave out what makes no difference: where all values that are shown lead to the same note, any does."""
    for field in ("refill", "terms", "scope"):
        folded = set()
        for kind in kinds:
            any_of_it = kind._replace(**{field: None})
            alike = (shown for shown in every if _fits(shown, any_of_it))
            is_covered = all(any(_fits(shown, one) for one in kinds) for shown in alike)
            folded.add(any_of_it if is_covered else kind)
        kinds = folded
    return sorted(kinds, key=repr)


def _fits(shown: _Kind, kind: _Kind) -> bool:
    return all(wanted is None or value == wanted for value, wanted in zip(shown, kind, strict=True))


def _title(kinds: list[_Kind]) -> str:
    return "; ".join(map(_words, kinds))


def _words(kind: _Kind) -> str:
    if not any((kind.scope, kind.terms, kind.refill is not None)):
        return "All services"
    parts = [f"{kind.scope[0].upper()}{kind.scope[1:]}" if kind.scope else "Services"]
    if kind.refill is not None:
        parts.append("with refill" if kind.refill else "without refill")
    if kind.terms is not None:
        marked = kind.terms == Terms.NO_REFUND_AFTER_START
        parts.append("marked “No refund after start”" if marked else "without a mark")
    return " ".join(parts)
