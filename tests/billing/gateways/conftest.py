"""A gateway that talks to a scripted server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.gateways.base import RefundRequest
from billing.gateways.stripe import Configuration, Stripe
from panel.sandbox import payments
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways import scripted
from tests.billing.gateways.scripted import Scripted

SECRET = "whsec_of_the_tests"


@pytest.fixture
def make_stripe() -> Iterator[Callable[..., Stripe]]:
    """Make gateways for a base address; their connections are closed after the test."""
    with ExitStack() as made:

        def make(
            base: str,
            *,
            key: str = "sk_test_of_the_tests",
            timeout: float = 5.0,
            secret: str = SECRET,
            panel: str = "https://panel.example.com",
        ) -> Stripe:
            configuration = Configuration(
                secret_key=key,
                webhook_secret=secret,
                api_base=base,
                timeout=timedelta(seconds=timeout),
                panel=panel,
                currency="USD",
                minimum=Decimal(5),
                maximum=Decimal(10_000),
                refund_window=timedelta(days=180),
            )
            gateway = Stripe(configuration)
            made.callback(gateway.close)
            return gateway

        yield make


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted.serving() as server:
        yield server


@pytest.fixture
def stripe(server: Scripted, make_stripe: Callable[..., Stripe]) -> Stripe:
    return make_stripe(server.url)


@pytest.fixture
def leg() -> RefundRequest:
    """Twenty dollars of a payment back: leg 7, first attempt."""
    return RefundRequest(
        key="withdrawal-leg-7-1",
        leg=7,
        attempt=1,
        payment_reference="pi_anna",
        amount=Decimal("20.000000"),
        currency="USD",
    )


@pytest.fixture
def sandbox() -> Iterator[PaymentsSandbox]:
    with payments.serving() as sandbox:
        yield sandbox


@pytest.fixture
def at_sandbox(sandbox: PaymentsSandbox, make_stripe: Callable[..., Stripe]) -> Stripe:
    return make_stripe(sandbox.url, key=sandbox.key, secret=sandbox.webhook_secret)
