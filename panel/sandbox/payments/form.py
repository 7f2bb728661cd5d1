"""Stripe's form encoding, in which `a[b]=c`, `a[0][b]=c` and `a[]=c` make objects and lists; and multipart."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import Any, Final
from urllib.parse import parse_qsl

from panel.sandbox.payments.errors import StripeError

DEEPEST: Final = 8
_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")

Parameters = dict[str, Any]
"""Texts, uploads, or objects of such: what came in, before it is checked. A list is an object of 0, 1, 2 …"""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in a multipart body."""

    filename: str
    size: int
    head: bytes


def decode(text: str) -> Parameters:
    """Read `text`, a query or an urlencoded body. Raises StripeError."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=2000)
    except ValueError as error:
        raise StripeError("Invalid request: too many parameters") from error
    return nest(pairs)


def nest(pairs: Iterable[tuple[str, object]]) -> Parameters:
    """Build the objects that the names of `pairs` describe. Raises StripeError."""
    root: Parameters = {}
    for name, value in pairs:
        found = _NAME.fullmatch(name)
        path = [found[1], *_PART.findall(found[2])] if found else []
        if not path or len(path) > DEEPEST:
            raise StripeError(f"Invalid request: can't read the parameter name {name[:80]!r}")
        place = root
        for part in path[:-1]:
            inner = place.setdefault(part or str(len(place)), {})
            if not isinstance(inner, dict):
                raise StripeError("Invalid request: a parameter is both a value and an object", param=path[0])
            place = inner
        place[path[-1] or str(len(place))] = value
    return root


def decode_multipart(body: bytes, content_type: str) -> Parameters:
    """Read a multipart body; files become Upload. Raises StripeError."""
    boundary = BytesHeaderParser().parsebytes(f"Content-Type: {content_type}\n\n".encode()).get_boundary()
    if not boundary:
        raise StripeError("Invalid request: the multipart body names no boundary")
    pairs: list[tuple[str, object]] = []
    for part in body.split(b"--" + boundary.encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head)
        name = headers.get_param("name", header="Content-Disposition")
        content = content.removesuffix(b"\r\n")
        if not isinstance(name, str):
            raise StripeError("Invalid request: a part of the multipart body has no name")
        filename = headers.get_filename()
        if filename is None:
            pairs.append((name, content.decode("utf-8", "replace")))
        else:
            pairs.append((name, Upload(filename, len(content), content[:16])))
    return nest(pairs)
