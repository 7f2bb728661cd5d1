"""Files that evidence refers to. Their size and name are kept, their content is not."""

from pathlib import PurePath
from typing import Any, Final

from panel.sandbox.payments.account import Account
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.store import Document

KIND: Final = "file"
EVIDENCE: Final = "dispute_evidence"
LARGEST: Final = 4_500_000  # bytes
_BY_FIRST_BYTES: Final = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}


def create(account: Account, given: dict[str, Any]) -> Document:
    """Keep an upload. `given` is as parameters.FILE_CREATE reads it. Raises StripeError."""
    upload = given["file"]
    if given["purpose"] != EVIDENCE:
        raise StripeError(f"The sandbox takes only files for the purpose `{EVIDENCE}`.", param="purpose")
    kind = next((kind for start, kind in _BY_FIRST_BYTES.items() if upload.head.startswith(start)), None)
    if kind is None:
        raise StripeError("The file must be a PDF, JPEG or PNG.", param="file")
    if not 0 < upload.size <= LARGEST:
        raise StripeError("The file must not be empty, and not larger than 4.5 MB.", param="file")
    number = account.store.name("file")
    document: Document = {
        "id": number,
        "object": KIND,
        "created": account.now(),
        "expires_at": None,
        "filename": PurePath(upload.filename).name,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={number}"},
        "purpose": EVIDENCE,
        "size": upload.size,
        "title": None,
        "type": kind,
        "url": None,
    }
    account.store.insert(document)
    return document
