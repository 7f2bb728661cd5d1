"""Adding a provider."""

from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from orders.models import Provider
from panel.kernel.errors import Conflict, Refused


class NameTaken(Conflict):
    """There is a provider of this name."""

    code = "provider_name_taken"


def add(*, name: str, api_url: str, api_key: str, repeats_safe: bool) -> Provider:
    """Add a provider. `repeats_safe`: it promises that the same request_id makes the same order.

    Raises Refused (names the field), NameTaken.
    """
    fields = {"name": (name.strip(), 100), "url": (api_url.strip(), 300), "key": (api_key.strip(), 200)}
    for field, (value, longest) in fields.items():
        if not value or len(value) > longest or not value.isprintable():
            message = f"Give the {field} in 1 to {longest} printable characters."
            raise Refused(message, field=field)
    if not _is_address(api_url.strip()):
        raise Refused("Give the whole API address, such as https://provider.example/api/v2.", field="url")
    try:
        with transaction.atomic():
            return Provider.objects.create(
                name=name.strip(),
                api_url=api_url.strip(),
                api_key=api_key.strip(),
                supports_request_id=repeats_safe,
            )
    except IntegrityError as error:
        message = f"There is a provider named {name.strip()} already."
        raise NameTaken(message, field="name") from error


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
