"""Evidence for Stripe's Disputes: files, then the fields that refer to them; staged, or submitted for good."""

import io
from typing import Final, cast

from stripe import StripeClient
from stripe.params import DisputeUpdateParamsEvidence

from billing.gateways.base import DisputeReport, OutcomeUnknown
from billing.gateways.evidence import Evidence, Upload
from billing.gateways.stripe import calls, dispute_reports

_PURPOSE: Final = "dispute_evidence"


class _Named(io.BytesIO):
    """Bytes with a name: the SDK asks a file for it."""

    name: str


def upload(client: StripeClient, given: Upload) -> str:
    """Create a File; return its id. Raises Refused, TryLater, OutcomeUnknown."""
    content = _Named(given.content)
    content.name = given.name
    file = calls.ask(
        "file",
        lambda: client.v1.files.create(
            params={"file": content, "purpose": _PURPOSE}, options={"idempotency_key": given.key}
        ),
    )
    kept, sent = file.whole("size"), len(given.content)
    if kept != sent:
        message = f"Stripe's file {file.text('id')} has {kept} bytes, sent were {sent}"
        raise OutcomeUnknown(message)
    return file.text("id")


def update(client: StripeClient, given: Evidence, *, submit: bool) -> DisputeReport:
    """Update a Dispute's evidence; with `submit` it goes to the bank, and nothing can be changed afterwards.

    Raises Refused, TryLater, OutcomeUnknown.
    """
    texts = {name.value: text for name, text in given.texts.items()}
    documents = {name.value: file for name, file in given.documents.items()}
    evidence = cast("DisputeUpdateParamsEvidence", texts | documents)
    dispute = calls.ask(
        "dispute",
        lambda: client.v1.disputes.update(
            calls.known_form(given.dispute),
            params={"evidence": evidence, "submit": submit},
            options={"idempotency_key": given.key},
        ),
    )
    if dispute.text("id") != given.dispute:
        message = f"Stripe's dispute is {dispute.text('id')!r:.80}, asked was {given.dispute!r:.80}"
        raise OutcomeUnknown(message)
    return dispute_reports.dispute_report(dispute)
