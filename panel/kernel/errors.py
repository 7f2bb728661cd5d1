"""What can go wrong, in four kinds. Each edge (pages, API v2) maps these to its own words in one table.

Concrete errors live beside what raises them, as subclasses with a stable `code`. `str(error)` is a sentence for
people: what is wrong, which field, what to do.
"""

from typing import ClassVar


class PanelError(Exception):
    """Base of every error that a use case raises on purpose."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """Keep the sentence for people and, for bad input, the field it is about."""
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(PanelError):
    """There is no such thing, or the caller may not know that there is."""

    code = "not_found"


class Forbidden(PanelError):
    """The caller is known and may not do this."""

    code = "forbidden"


class Conflict(PanelError):
    """Wrong state for this, or somebody else was first."""

    code = "conflict"


class Busy(Conflict):
    """A lock could not be had in time; the same call may succeed a moment later."""

    code = "busy"


class Refused(PanelError):
    """A rule says no: the input or the situation is not allowed."""

    code = "refused"
