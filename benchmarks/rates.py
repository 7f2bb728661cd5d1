"""What a benchmark measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """One round: orders a second through the panel, and through pgbench writing the same rows."""

    what: str
    panel: float
    floor: float
    notes: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """Panel over floor."""
        return self.panel / self.floor
