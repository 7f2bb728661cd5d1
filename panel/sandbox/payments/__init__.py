"""Payments to try with: Stripe's API over real HTTP, for the demo and the tests. Never reachable in production.

    python -m panel.sandbox.payments --port 8901 --webhook-url http://127.0.0.1:8000/webhooks/stripe/

The real SDK talks to it (`base_addresses={"api": url, "files": url}`): Checkout Sessions with a page that pays,
PaymentIntents, Charges, Refunds, Disputes, Files, Events, Balance, Balance Transactions, Early Fraud Warnings. Amounts
are capped and idempotency keys kept for 24 hours of its own clock, as Stripe does. Control, for callers on this
machine (all bodies JSON; the same as methods: steering.PaymentsSandbox):

* `POST /_control/sessions/<id>` `{"outcome", "card", "amount_received"}` - outcome is pay, decline, pay_later,
  fail_later or expire; card one of cards.CARDS
* `POST /_control/payments` `{"amount", "currency"}` - a charge that we know nothing of; `GET` lists all
* `POST /_control/refunds` `{"payment_intent", "amount"}` - by hand, without metadata; `GET` lists all
* `POST /_control/refunds/<id>` `{"status", "failure_reason"}` - any status, also late
* `POST /_control/disputes` `{"payment_intent", "amount", "reason", "status"}` - opens one; `GET` lists all
* `POST /_control/disputes/<id>` `{"status"}` - any status, also reversed
* `POST /_control/early_fraud_warnings` `{"payment_intent", "fraud_type"}`
* `POST /_control/clock` `{"advance": seconds}` or `{"days": 30}`; `GET` tells it
* `POST /_control/balance` `{"available": cents}`; `GET` tells it
* `POST /_control/settings` `{"answer_ms", "refund_outcome": "succeeded"|"pending", "late_seconds"}`
* `POST /_control/webhooks` `{"mode": "auto"|"manual"}`; `GET` lists what waits
* `POST /_control/webhooks/<event>` `{"deliver": times}` or `{"drop": true}`
* `POST /_control/events` `{"type", "object"}` - one more event about an object
* `GET, POST, DELETE /_control/faults` - see faults.Kind
* `POST /_control/reset`
"""

from panel.sandbox.payments.courier import Delivery
from panel.sandbox.payments.running import DEFAULT_KEY, DEFAULT_SECRET, serving
from panel.sandbox.payments.steering import PaymentsSandbox

__all__ = ["DEFAULT_KEY", "DEFAULT_SECRET", "Delivery", "PaymentsSandbox", "serving"]
