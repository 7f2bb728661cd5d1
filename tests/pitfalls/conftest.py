from collections.abc import Iterator

import pytest

from orders.fulfilment import client
from panel.sandbox import provider
from panel.sandbox.provider import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True) as running:
        yield running
    client.close_pools()
