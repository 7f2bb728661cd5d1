"""The one way to a provider: with its address and key, and never while a transaction is open."""

from django.conf import settings
from django.db import transaction

from orders.fulfilment.client import Connection
from orders.models import Provider


def to(provider: Provider) -> Connection:
    """Return how to call this provider.

    Raises RuntimeError inside a transaction: a provider that is slow would hold its locks, and a rollback would forget
    what the provider did (docs/architecture.md, three steps).
    """
    with transaction.atomic(durable=True):  # costs no statement when nothing is run in it
        pass
    return Connection(provider.api_url, provider.api_key, settings.PROVIDER_TIMEOUT)
