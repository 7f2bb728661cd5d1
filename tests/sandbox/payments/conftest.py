"""A sandbox, the real SDK to talk to it, and payments made on it."""

from collections.abc import Callable, Iterator

import pytest
import stripe

from panel.sandbox import payments
from panel.sandbox.payments import PaymentsSandbox

Opening = Callable[..., str]
Paying = Callable[..., str]


def sdk(sandbox: PaymentsSandbox) -> stripe.StripeClient:
    return stripe.StripeClient(
        sandbox.key, base_addresses={"api": sandbox.url, "files": sandbox.url}, max_network_retries=0
    )


@pytest.fixture
def sandbox() -> Iterator[PaymentsSandbox]:
    with payments.serving() as running:
        yield running


@pytest.fixture
def api(sandbox: PaymentsSandbox) -> stripe.StripeClient:
    return sdk(sandbox)


@pytest.fixture
def open_session(api: stripe.StripeClient) -> Opening:
    """Open a Checkout Session for so many cents; returns its id."""

    def open_for(amount: int = 5000, currency: str = "usd") -> str:
        return api.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [
                    {
                        "price_data": {
                            "currency": currency,
                            "unit_amount": amount,
                            "product_data": {"name": "Balance of Rosa's <Café>"},
                        },
                        "quantity": 1,
                    }
                ],
                "customer_email": "rosa@example.com",
                "client_reference_id": "deposit-7",
                "metadata": {"deposit": "7"},
                "payment_intent_data": {"metadata": {"deposit": "7"}},
                "success_url": "https://panel.example/balance/add/done/?session={CHECKOUT_SESSION_ID}",
                "cancel_url": "https://panel.example/balance/add/",
            }
        ).id

    return open_for


@pytest.fixture
def pay(sandbox: PaymentsSandbox, api: stripe.StripeClient, open_session: Opening) -> Paying:
    """Pay so many cents with a card; returns the PaymentIntent's id."""

    def pay_with(card: str = "visa", amount: int = 5000) -> str:
        session = open_session(amount)
        assert sandbox.pay(session, card=card)
        intent = api.v1.checkout.sessions.retrieve(session).payment_intent
        assert isinstance(intent, str)
        return intent

    return pay_with
