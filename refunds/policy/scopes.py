"""What parts of the catalog a policy tells apart: its scopes, and everything else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

ELSEWHERE: Final = "elsewhere"
"""The scope of every service that no scope names."""

MOST_SCOPES: Final = 8


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the catalog, as a policy names it.

    Attributes:
        name: what the public page calls it.
        categories: numbers of categories.
        services: numbers of services.
    """

    id: str
    name: str
    categories: tuple[int, ...]
    services: tuple[int, ...]


class Scopes:
    """The scopes of one policy. A service belongs to the first that names it or its category."""

    __slots__ = ("_by_category", "_by_service", "all")

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self.all: Final = tuple(scopes)
        self._by_service: dict[int, int] = {}
        self._by_category: dict[int, int] = {}
        for place, scope in enumerate(self.all):
            for service in scope.services:
                self._by_service.setdefault(service, place)
            for category in scope.categories:
                self._by_category.setdefault(category, place)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that a clause may name, `elsewhere` last."""
        return (*(scope.id for scope in self.all), ELSEWHERE)

    def name(self, scope_id: str) -> str:
        """Return what the public page calls a scope."""
        return next((scope.name for scope in self.all if scope.id == scope_id), "other services")

    def of(self, service: int, category: int) -> str:
        """Return the id of the scope that a service of this number and category belongs to."""
        if not self.all:
            return ELSEWHERE
        beyond = len(self.all)
        place = min(self._by_service.get(service, beyond), self._by_category.get(category, beyond))
        return ELSEWHERE if place == beyond else self.all[place].id

    def sample(self, scope_id: str) -> tuple[int, int]:
        """Return a (service, category) that belongs to a scope, (0, 0) for `elsewhere`.

        Raises KeyError for an unknown scope, and for one of which an earlier scope has everything.
        """
        if scope_id == ELSEWHERE:
            return (0, 0)
        for scope in self.all:
            for place in (*((number, 0) for number in scope.services), *((0, number) for number in scope.categories)):
                if scope.id == scope_id and self.of(*place) == scope_id:
                    return place
        raise KeyError(scope_id)


def samples(all_scopes: Iterable[Scopes]) -> list[tuple[int, int]]:
    """Return a (service, category) for each way in which one can fall into the scopes of several policies at once.

    A policy knows no catalog: any service that it names may be in any category. The number 0 stands for services and
    categories that none names.
    """
    every = list(all_scopes)
    services = sorted({0, *(number for scopes in every for scope in scopes.all for number in scope.services)})
    categories = sorted({0, *(number for scopes in every for scope in scopes.all for number in scope.categories)})
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for service in services:
        for category in categories:
            found.setdefault(tuple(scopes.of(service, category) for scopes in every), (service, category))
    return list(found.values())
