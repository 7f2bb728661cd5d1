"""The payments sandbox's control, as far as the demo's past needs it: customers who pay, and money that comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
from django.conf import settings

from panel.kernel.errors import PanelError

_SECONDS: Final = 20.0
_CLOSED_CARD: Final = "expired_or_canceled_card"


class NoTill(PanelError):
    """The demo's customers have nowhere to pay."""

    code = "no_payments_sandbox"


@dataclass(frozen=True, slots=True)
class Till:
    """A payments sandbox that runs. Every method raises NoTill when it does not answer, or says no."""

    _client: httpx.Client

    def pay(self, session: str, *, card: str) -> None:
        """Pay a checkout session as a person would on its page. `card` is one of panel.sandbox.payments.cards."""
        self._post(f"sessions/{session}", card=card)

    def refund_by_hand(self, payment: str) -> None:
        """Refund a payment as a member of staff does in the dashboard."""
        self._post("refunds", payment_intent=payment)

    def send_back(self, refund: str) -> None:
        """Let the bank send a refund back, days after it succeeded: the card was closed."""
        self._post(f"refunds/{refund}", status="failed", failure_reason=_CLOSED_CARD)

    def dispute(self, payment: str) -> str:
        """Let the customer's bank ask for a payment back, formally; return the dispute's id."""
        wish: dict[str, object] = {"payment_intent": payment, "reason": "product_not_received"}
        reference: str = self._ask("POST", "disputes", wish)["dispute"]
        return reference

    def warn(self, payment: str) -> str:
        """Let the card's issuer warn of fraud with a payment; return the warning's id."""
        reference: str = self._ask("POST", "early_fraud_warnings", {"payment_intent": payment})["early_fraud_warning"]
        return reference

    def deliver(self) -> None:
        """Have events delivered from now on."""
        self._post("webhooks", mode="auto")

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Have none of the events of the block delivered: whoever lives through the past records it at once.

        A load that is cut off leaves them waiting; the next one that gets through drops them too.
        """
        self._post("webhooks", mode="manual")
        yield
        for event in self._ask("GET", "webhooks")["webhooks"]:
            self._post(f"webhooks/{event['id']}", drop=True)
        self.deliver()

    def _post(self, path: str, **instruction: object) -> None:
        self._ask("POST", path, instruction)

    def _ask(self, method: str, path: str, instruction: dict[str, object] | None = None) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, json=instruction)
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            message = f"The payments sandbox says no to {path}: {error.response.text[:300]}"
            raise NoTill(message) from error
        except httpx.HTTPError as error:
            message = f"The payments sandbox at {self._client.base_url} does not answer: {error}"
            raise NoTill(message) from error
        document: dict[str, Any] = answer.json()
        return document


@contextmanager
def opened() -> Iterator[Till]:
    """Give the till of the sandbox that the settings name. Raises NoTill when they name none."""
    if not (settings.STRIPE_API_BASE and settings.STRIPE_SECRET_KEY):
        message = "The demo's customers pay at the payments sandbox: set STRIPE_API_BASE and STRIPE_SECRET_KEY to it."
        raise NoTill(message)
    with httpx.Client(base_url=f"{settings.STRIPE_API_BASE}/_control/", timeout=_SECONDS, trust_env=False) as client:
        yield Till(client)
