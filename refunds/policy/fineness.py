"""How finely a policy tells facts apart, and that it is not too fine to be proved (ADR 17)."""

from typing import Final

from refunds.policy.document import Policy
from refunds.policy.grid import FREE, Grid
from refunds.policy.reading import Problem
from refunds.policy.source import Address

MOST_CELLS: Final = 500_000
"""How many combinations the clauses of one policy may tell apart."""

_AT: Final[Address] = ("scopes", 0)  # no policy without scopes gets near the limit


def problem(policy: Policy, source: str) -> Problem | None:
    """Return what is wrong with a document whose clauses tell too many combinations of facts apart; None if nothing is.

    Counts only, and so takes a few milliseconds.
    """
    if not policy.scopes.all:
        return None
    grid = Grid(policy)
    if grid.cells <= MOST_CELLS:
        return None
    windows = {clause.when.claim_window_hours for clause in policy.clauses} - {None}
    ages = f"since_final with {len(windows)} claim {'window' if len(windows) == 1 else 'windows'}"
    parts = [
        f"{len(grid.possible):,} of status, delivery, since_placed, {ages if windows else 'since_final'} and refill",
        *(f"{len(grid.axes[axis])} of {axis}" for axis in FREE if len(grid.axes[axis]) > 1),
    ]
    return Problem(
        f"{source}: clauses",
        f"tell {grid.cells:,} combinations of facts apart ({', times '.join(parts)}); at most {MOST_CELLS:,} can be"
        " proved. Use fewer scopes or claim windows, or treat more values of a fact alike in every clause",
        _AT,
    )
