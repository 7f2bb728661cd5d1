"""Asking for a refund as a browser does: read the form, fill it in, send it."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from orders.models import Order
from tests.web import pages

NEW = "/refunds/new/"
QUOTE = "/refunds/new/quote/"
SAID = "Hardly anybody came."


def form_page(browser: Client, order: Order, cause: str = "") -> pages.Response:
    """Return the page with the form, a cause chosen already if one is given."""
    return browser.get(NEW, {"order": str(order.pk), "cause": cause})


def quote(browser: Client, order: Order, cause: str) -> pages.Response:
    """Return the part of the form that follows the cause, as htmx asks for it."""
    query = {"order": str(order.pk), "cause": cause}
    return browser.get(QUOTE, query, headers={"HX-Request": "true"})


def form_of(browser: Client, order: Order, cause: str = "dropped") -> dict[str, Any]:
    """Return the fields of the form as they are after a cause was chosen and read about."""
    page = form_page(browser, order, cause)
    assert page.status_code == 200
    return {
        "cause": cause,
        "description": SAID,
        "key": pages.hidden(page, "key"),
        "seen": pages.hidden(page, "seen"),
    }


def send(browser: Client, order: Order, form: dict[str, Any], **changed: Any) -> pages.Response:
    """Send the form, some of it changed; None leaves a field out."""
    fields = {name: value for name, value in {**form, **changed}.items() if value is not None}
    return browser.post(f"{NEW}?order={order.pk}", fields)


def ask(browser: Client, order: Order, cause: str = "dropped", **changed: Any) -> pages.Response:
    """Read the form, fill it in, and send it."""
    return send(browser, order, form_of(browser, order, cause), **changed)


def files(*named: tuple[str, bytes]) -> Sequence[SimpleUploadedFile]:
    """Return files to send, each claiming to be plain text."""
    return [SimpleUploadedFile(name, content, content_type="text/plain") for name, content in named]


def png(size: tuple[int, int] = (8, 8)) -> bytes:
    """Return a small picture."""
    target = BytesIO()
    Image.new("RGB", size, "teal").save(target, "PNG")
    return target.getvalue()
