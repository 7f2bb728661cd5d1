"""What stands in braces in saved replies, and filling it in. No rows, no clock."""

import re
from collections.abc import Mapping
from typing import Final

PLACEHOLDERS: Final = ("name", "order", "panel")
_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]*)\}")


def unknown_placeholders(reply: str) -> list[str]:
    """Return what stands in braces and means nothing, in the order of the text."""
    return [name for name in dict.fromkeys(_PLACEHOLDER.findall(reply)) if name not in PLACEHOLDERS]


def needs_order(reply: str) -> bool:
    """Whether the reply names the order."""
    return "order" in _PLACEHOLDER.findall(reply)


def filled(reply: str, values: Mapping[str, str]) -> str:
    """Put the values in, once: braces inside of a value stay as they are. Raises KeyError for an unknown name."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], reply)
