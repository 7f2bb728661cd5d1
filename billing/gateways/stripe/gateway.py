"""The gateway that Stripe is: hosted Checkout for deposits, refunds to the method paid with.

Nothing is remembered here; the caller keeps keys and references, and asks again. See `billing.gateways.base.Gateway`.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from stripe import StripeClient

from billing.gateways.base import (
    DepositReport,
    DepositRequest,
    Description,
    DisputeReport,
    FraudWarningReport,
    Movement,
    Notice,
    OpenedDeposit,
    OutcomeUnknown,
    RefundReport,
    RefundRequest,
    Refusal,
    Refused,
)
from billing.gateways.evidence import Evidence, Upload
from billing.gateways.stripe import amounts, calls, dispute_reports, fraud_reports, notices, reports
from billing.gateways.stripe import evidence as evidences
from billing.gateways.stripe.transport import Transport
from billing.models import GatewaySlug, House

logger = logging.getLogger(__name__)

PAGE: Final = 100  # the most that Stripe lists at once
BANK_DAYS: Final = (5, 10)  # business days until the customer's bank shows a refund; Stripe's page on refunds


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an operator sets.

    Attributes:
        api_base: another host that speaks Stripe's API, for files too; empty for Stripe's own hosts.
        timeout: for each wait for the network, and for an answer as a whole.
        panel: the site, written into Stripe's metadata: two panels may share one account.
        minimum, maximum: of a deposit, money scale, in `currency`.
    """

    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_base: str
    timeout: timedelta
    panel: str
    currency: str
    minimum: Decimal
    maximum: Decimal
    refund_window: timedelta


class Stripe:
    """See the module. May be used from any thread of the process that made it."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._transport = Transport(configuration.timeout)
        base = configuration.api_base
        # The SDK's own retries are off: it could not tell us that the first try may have worked. The API version is
        # the one that the SDK's types were made for.
        self._client = StripeClient(
            configuration.secret_key,
            base_addresses={"api": base, "files": base} if base else {},
            max_network_retries=0,
            http_client=self._transport,
        )

    def describe(self) -> Description:
        """Say what it is and what its limits are. Makes no call."""
        return Description(
            slug=GatewaySlug.STRIPE.value,
            label=GatewaySlug.STRIPE.label,
            clearing=House.STRIPE_CLEARING,
            opens_online=True,
            smallest_unit=amounts.smallest_unit(self._configuration.currency),
            minimum=self._configuration.minimum,
            maximum=self._configuration.maximum,
            refund_window=self._configuration.refund_window,
            bank_days=BANK_DAYS,
        )

    def open_deposit(self, request: DepositRequest) -> OpenedDeposit:
        """Create a Checkout Session; the customer pays on Stripe's page.

        `expires_at` is left to Stripe (24 hours): were it reckoned here, a second try with the same key would carry
        other parameters, and Stripe would refuse it. Raises Refused, TryLater, OutcomeUnknown.
        """
        metadata = {"deposit": str(request.deposit), "panel": self._configuration.panel}
        units = _units(request.amount, request.currency)
        session = calls.ask(
            "session",
            lambda: self._client.v1.checkout.sessions.create(
                params={
                    "mode": "payment",
                    "line_items": [
                        {
                            "price_data": {
                                "currency": request.currency.lower(),
                                "unit_amount": units,
                                "product_data": {"name": request.description},
                            },
                            "quantity": 1,
                        }
                    ],
                    "customer_email": request.customer_email,
                    "client_reference_id": str(request.deposit),
                    "metadata": metadata,
                    "payment_intent_data": {"metadata": metadata},
                    # Otherwise the Dashboard decides whether customers are charged in their own currency, with a fee.
                    "adaptive_pricing": {"enabled": False},
                    "success_url": request.return_url,
                    "cancel_url": request.cancel_url,
                },
                options={"idempotency_key": request.key},
            ),
        )
        asked, answered = (units, request.currency), (session.whole("amount_total"), session.currency())
        if asked != answered:
            message = f"Stripe's session {session.text('id')} is for {answered}, asked was {asked}"
            raise OutcomeUnknown(message)
        return OpenedDeposit(
            reference=session.text("id"), checkout_url=session.address("url"), expires_at=session.instant("expires_at")
        )

    def fetch_deposit(self, reference: str) -> DepositReport:
        """Read a Checkout Session with its payment. Raises Refused(NOT_FOUND), TryLater, OutcomeUnknown."""
        session = calls.ask(
            "session",
            lambda: self._client.v1.checkout.sessions.retrieve(
                calls.known_form(reference), params={"expand": ["payment_intent.latest_charge"]}
            ),
        )
        _same("session", reference, session.text("id"))
        return reports.deposit_report(session, panel=self._configuration.panel)

    def find_deposit(self, payment_reference: str) -> DepositReport | None:
        """Return the Checkout Session of a PaymentIntent; None when it was paid in another way.

        Raises Refused(NOT_FOUND), TryLater, OutcomeUnknown.
        """
        sessions = calls.every(
            "session",
            lambda: self._client.v1.checkout.sessions.list(
                params={
                    "payment_intent": calls.known_form(payment_reference),
                    "limit": PAGE,
                    "expand": ["data.payment_intent.latest_charge"],
                }
            ),
        )
        panel = self._configuration.panel
        report = next((reports.deposit_report(session, panel=panel) for session in sessions), None)
        if report:
            _same("session", payment_reference, report.payment_reference)
        return report

    def refund(self, request: RefundRequest) -> RefundReport:
        """Refund a part of a PaymentIntent.

        No `reason` is given: `fraudulent` would put the customer's card on block lists, the others say nothing.
        Raises Refused, TryLater, OutcomeUnknown.
        """
        if not request.payment_reference:
            raise Refused("Stripe pays back only to the method paid with.", refusal=Refusal.NOT_OFFERED)
        units = _units(request.amount, request.currency)
        refund = calls.ask(
            "refund",
            lambda: self._client.v1.refunds.create(
                params={
                    "payment_intent": request.payment_reference,
                    "amount": units,
                    "metadata": {"leg": str(request.leg), "attempt": str(request.attempt)},
                },
                options={"idempotency_key": request.key},
            ),
        )
        return _agreeing(reports.refund_report(refund), request)

    def fetch_refund(self, reference: str) -> RefundReport:
        """Read a Refund. Raises Refused(NOT_FOUND), TryLater, OutcomeUnknown."""
        refund = calls.ask("refund", lambda: self._client.v1.refunds.retrieve(calls.known_form(reference)))
        _same("refund", reference, refund.text("id"))
        return reports.refund_report(refund)

    def find_refund(self, request: RefundRequest) -> RefundReport | None:
        """Look through the refunds of the payment for the one that carries this leg and attempt.

        Raises Refused(NOT_FOUND) for a payment that Stripe does not know, TryLater, and OutcomeUnknown, also when two
        refunds carry the same numbers: then one was paid twice, and a person must look.
        """
        if not request.payment_reference:
            return None
        found = [
            report
            for report in self.refunds_of(request.payment_reference)
            if (report.leg, report.attempt) == (request.leg, request.attempt)
        ]
        if len(found) > 1:
            message = f"Stripe has {len(found)} refunds of leg {request.leg}, attempt {request.attempt}"
            logger.error(message)
            raise OutcomeUnknown(message)
        return _agreeing(found[0], request) if found else None

    def refunds_of(self, payment_reference: str) -> list[RefundReport]:
        """Return every refund of a PaymentIntent. Raises Refused(NOT_FOUND), TryLater, OutcomeUnknown."""
        refunds = calls.every(
            "refund",
            lambda: self._client.v1.refunds.list(
                params={"payment_intent": calls.known_form(payment_reference), "limit": PAGE}
            ),
        )
        found = [reports.refund_report(refund) for refund in refunds]
        for report in found:
            _same("refund's payment", payment_reference, report.payment_reference)
        return found

    def fetch_dispute(self, reference: str) -> DisputeReport:
        """Read a Dispute. Raises Refused(NOT_FOUND), TryLater, OutcomeUnknown."""
        dispute = calls.ask("dispute", lambda: self._client.v1.disputes.retrieve(calls.known_form(reference)))
        _same("dispute", reference, dispute.text("id"))
        return dispute_reports.dispute_report(dispute)

    def disputes(self, since: datetime) -> Iterator[DisputeReport]:
        """Yield the Disputes opened since then. Raises Refused, TryLater, OutcomeUnknown, also between two."""
        created = math.ceil(since.timestamp())
        found = calls.every(
            "dispute", lambda: self._client.v1.disputes.list(params={"created": {"gte": created}, "limit": PAGE})
        )
        return (dispute_reports.dispute_report(dispute) for dispute in found)

    def upload_evidence(self, upload: Upload) -> str:
        """Create a File. Raises Refused, TryLater, OutcomeUnknown."""
        return evidences.upload(self._client, upload)

    def stage_evidence(self, evidence: Evidence) -> DisputeReport:
        """Update a Dispute without submitting. Raises Refused, TryLater, OutcomeUnknown."""
        return evidences.update(self._client, evidence, submit=False)

    def submit_evidence(self, evidence: Evidence) -> DisputeReport:
        """Update a Dispute and submit it. Raises Refused, TryLater, OutcomeUnknown."""
        return evidences.update(self._client, evidence, submit=True)

    def fetch_fraud_warning(self, reference: str) -> FraudWarningReport:
        """Read an Early Fraud Warning. Raises Refused(NOT_FOUND), TryLater, OutcomeUnknown."""
        warning = calls.ask(
            "early fraud warning",
            lambda: self._client.v1.radar.early_fraud_warnings.retrieve(calls.known_form(reference)),
        )
        _same("early fraud warning", reference, warning.text("id"))
        return fraud_reports.fraud_warning_report(warning)

    def fraud_warnings(self, since: datetime) -> Iterator[FraudWarningReport]:
        """Yield the Early Fraud Warnings made since then. Raises Refused, TryLater, OutcomeUnknown, also between."""
        created = math.ceil(since.timestamp())
        found = calls.every(
            "early fraud warning",
            lambda: self._client.v1.radar.early_fraud_warnings.list(
                params={"created": {"gte": created}, "limit": PAGE}
            ),
        )
        return (fraud_reports.fraud_warning_report(warning) for warning in found)

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """Yield Stripe's balance transactions. Raises Refused, TryLater, OutcomeUnknown, also between two lines."""
        # Stripe's times are whole seconds, so for both ends the next whole second cuts at the same place.
        created = {"gte": math.ceil(since.timestamp()), "lt": math.ceil(until.timestamp())}
        lines = calls.every(
            "balance transaction",
            lambda: self._client.v1.balance_transactions.list(
                params={
                    "created": {"gte": created["gte"], "lt": created["lt"]},
                    "limit": PAGE,
                    "expand": ["data.source"],
                }
            ),
        )
        return (reports.movement(line) for line in lines)

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """Verify and read a webhook. Makes no call. Raises BadNotice."""
        return notices.read(body, signature, secret=self._configuration.webhook_secret)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._transport.close()


def _units(amount: Decimal, currency: str) -> int:
    try:
        return amounts.to_wire(amount, currency)
    except ValueError as error:
        raise Refused(str(error), refusal=Refusal.OTHER) from error


def _same(name: str, asked: str, answered: str) -> None:
    if asked != answered:
        message = f"Stripe's {name} is {answered[:80]!r}, asked was {asked[:80]!r}"
        raise OutcomeUnknown(message)


def _agreeing(report: RefundReport, request: RefundRequest) -> RefundReport:
    """Return the report if it is about what was asked for; anything else is not to be booked as that."""
    asked = (request.leg, request.attempt, request.amount, request.currency, request.payment_reference)
    answered = (report.leg, report.attempt, report.amount, report.currency, report.payment_reference)
    if asked != answered:
        message = f"Stripe's refund {report.reference} is about {answered}, asked was {asked}"
        logger.error(message)
        raise OutcomeUnknown(message)
    return report
