"""Finding pages and reading answers as a person would."""

import re
from html import unescape
from typing import Any

from billing.models import Withdrawal

_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL)

# What the test client answers with; its own type exists in the stubs only.
Response = Any


def path_of(withdrawal: Withdrawal) -> str:
    """Return the address of a withdrawal's page."""
    return f"/balance/withdrawals/{withdrawal.pk}/"


def text(response: Response) -> str:
    """Return what the page says, without markup and with single blanks."""
    return " ".join(unescape(_TAGS.sub(" ", response.content.decode())).split())


def links(response: Response) -> list[str]:
    """Return the addresses that the page links to."""
    return [unescape(href) for href in re.findall(r'href="([^"]*)"', response.content.decode())]


def hidden(response: Response, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    assert found, f"no hidden field {name}"
    return unescape(found[1])


def element(response: Response, element_id: str) -> str:
    """Return the text of a paragraph by its id."""
    found = re.search(rf'<p[^>]*\bid="{element_id}"[^>]*>(.*?)</p>', response.content.decode(), re.DOTALL)
    assert found, f"no paragraph {element_id}"
    return " ".join(unescape(_TAGS.sub(" ", found[1])).split())
