"""Reading the parameters of a call: form, multipart, JSON or query, always to the same plain texts.

What can be read in two ways is refused, never guessed: money may hang on it.
"""

import json
import re
from collections.abc import Iterable
from typing import Final, NoReturn
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from panel.kernel.errors import Refused

MOST_PARAMETERS: Final = 100
_ABSENT: Final = frozenset({"", "undefined", "null"})
# NUL can't be stored, surrogates can't be encoded, and U+FFFD is what is left of a text in another charset.
_UNREADABLE: Final = re.compile("[\x00\ud800-\udfff\ufffd]")
_READING_FAILS: Final = (
    BadRequest,
    LookupError,
    MultiPartParserError,
    RecursionError,
    SuspiciousOperation,
    UnreadablePostError,
    ValueError,
)


class Malformed(Refused):
    """The request can't be read, or can be read in more than one way."""

    code = "malformed"


def read(request: HttpRequest) -> dict[str, str]:
    """Return the parameters of the query and, in a POST, of the body: trimmed texts, absent ones left out.

    Empty, `undefined` and `null` count as absent. Numbers of a JSON body stay as they were written. The header
    `Idempotency-Key` is the parameter `request_id`.

    Raises Malformed: another method, a body that can't be read, is above `DATA_UPLOAD_MAX_MEMORY_SIZE` or in another
    charset than UTF-8, a file, more than `MOST_PARAMETERS`, one parameter with two values, nested or boolean values.
    """
    if request.method not in {"GET", "POST"}:
        raise Malformed("Send a POST request.")
    try:
        pairs = _form(request.META.get("QUERY_STRING", "").encode("latin-1"))
        if request.method == "POST":
            pairs += _body(request)
        given = _plain(pairs)
    except _READING_FAILS as error:
        raise Malformed("The request can't be read.") from error
    if key := present(request.headers.get("Idempotency-Key", "")):
        once(given, "request_id", key)
    return given


def once(given: dict[str, str], name: str, text: str) -> None:
    """Keep a parameter; given again, it must say the same. Raises Malformed."""
    if given.setdefault(name, text) != text:
        raise Malformed("A parameter is given twice, and differently.", field=name)


def present(text: str) -> str:
    """Return the text trimmed; empty when it counts as absent."""
    trimmed = text.strip()
    return "" if trimmed in _ABSENT else trimmed


def _body(request: HttpRequest) -> list[tuple[str, object]]:
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise Malformed("The request is too large.")
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if charset not in {"utf-8", "utf8"}:
        raise Malformed("Send UTF-8.")
    match request.content_type:
        case "multipart/form-data":
            if request.FILES:
                raise Malformed("Files are no parameters.")
            return [(name, text) for name, texts in request.POST.lists() for text in texts]
        case "application/x-www-form-urlencoded":
            return _form(request.body)
        case "application/json":
            return _json(request.body)
        case _ if request.body:
            raise Malformed("Send a form or JSON.")
        case _:
            return []


def _form(content: bytes) -> list[tuple[str, object]]:
    return [
        *parse_qsl(content.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS),
    ]


def _json(content: bytes) -> list[tuple[str, object]]:
    """Read one flat object; pairs, not a dict, so that a name given twice is seen."""
    document = json.loads(
        content.decode("utf-8-sig"),
        object_pairs_hook=_Pairs,
        parse_int=str,
        parse_float=str,
        parse_constant=_no_number,
    )
    if not isinstance(document, _Pairs):
        raise Malformed("Send one JSON object.")
    return document


class _Pairs(list[tuple[str, object]]):
    """The members of a JSON object; a type of its own, to be told from an array."""


def _no_number(name: str) -> NoReturn:
    message = f"{name} is no number"
    raise ValueError(message)


def _plain(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if value is None:
            continue
        if not isinstance(value, str) or _UNREADABLE.search(value):
            raise Malformed("A parameter can't be read.")
        if text := present(value):
            once(given, name, text)
    if len(given) > MOST_PARAMETERS:
        raise Malformed("There are too many parameters.")
    return given
