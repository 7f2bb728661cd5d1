"""What staff see of the evidence for a dispute: on its own page, and on the page of the dispute."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from billing.models import Dispute
from panel.accounts.admin.pages import Panel, counted, link, moment
from panel.kernel.evidence import LONGEST_TEXT, LONGEST_TEXTS, Document, Text
from refunds.evidence import access, preparing, records
from refunds.evidence.pack import compelling
from refunds.evidence.pack.compelling import NEEDED, OLDEST, YOUNGEST
from refunds.models import DisputeEvidence, EvidenceFile, EvidenceState

LABELS: Final = {
    Text.PRODUCT_DESCRIPTION: "What was ordered",
    Text.CUSTOMER_NAME: "Customer",
    Text.CUSTOMER_EMAIL: "E-mail address",
    Text.PURCHASE_ADDRESS: "Paid from",
    Text.ACCESS_LOG: "Sign-ins and orders",
    Text.SERVICE_DATE: "When it was delivered",
    Text.POLICY_DISCLOSURE: "Refund policy",
    Text.REFUSAL_EXPLANATION: "Why nothing more is refunded",
    Text.OTHER: "Reports and e-mails",
}
DOCUMENTS: Final = {
    Document.SERVICE: "Service record and timeline",
    Document.COMMUNICATION: "Communication with the customer",
    Document.POLICY: "Refund policy",
    Document.RECEIPT: "Receipt of the payment",
}
_SHOWN: Final = 1_500
_MOST_EARLIER: Final = 50


def of_dispute(dispute: Dispute, *, at: datetime) -> Sequence[Panel]:
    """Return the panels for a dispute's page: its evidence, newest first, and earlier payments that could serve."""
    packs = DisputeEvidence.objects.filter(dispute=dispute).order_by("-number")
    rows = [
        [link("refunds_disputeevidence", pack.pk, f"Evidence {pack.number}"), state(pack), moment(pack.assembled_at)]
        for pack in packs
    ]
    return [
        Panel("Evidence", ["Pack", "State", "Assembled (UTC)"], rows, note=advice(dispute, at=at)),
        earlier(dispute),
    ]


def advice(dispute: Dispute, *, at: datetime) -> SafeString:
    """Say until when the bank takes evidence, what the policy says, and where to go."""
    address = reverse("admin:refunds_disputeevidence_of", args=[dispute.pk])
    return format_html(
        '{} {} <a href="{}" class="text-link">Open the evidence</a>', left(dispute, at=at), contest(dispute), address
    )


def left(dispute: Dispute, *, at: datetime) -> str:
    """Say how much time is left to answer."""
    if dispute.standing not in access.ANSWERABLE:
        return f"The bank takes no evidence now: {dispute.get_standing_display().lower()}."
    if dispute.respond_by is None:
        return "The bank names no day until which it takes evidence."
    hours = int((dispute.respond_by - at).total_seconds() // 3600)
    if hours < 0:
        return "The deadline has passed: the bank takes no evidence any more."
    span = counted(hours // 24, "day") if hours >= 48 else counted(hours, "hour")  # noqa: PLR2004 - two days
    return f"The bank takes evidence until {moment(dispute.respond_by)} UTC: {span} left."


def contest(dispute: Dispute) -> str:
    """Say whether the policy has the dispute contested by itself."""
    if preparing.contests(dispute):
        return "The policy has it contested: a pack is assembled and staged by itself, and a person submits it."
    return "By the policy, staff decide whether it is contested."


def state(pack: DisputeEvidence) -> str:
    """Say how far a pack got."""
    words = str(pack.get_state_display())
    if pack.state == EvidenceState.SUBMITTED:
        return f"{words} {moment(pack.submitted_at)} UTC by {pack.submitted_by}"
    return f"{words}: {pack.error}" if pack.error else words


def texts(pack: DisputeEvidence) -> Panel:
    """Show the texts as they stand."""
    rows = [[LABELS[name], f"{len(text):,}", _text(text), _notes(pack, name)] for name, text in pack.texts.items()]
    length = sum(map(len, pack.texts.values()))
    note = (
        f"{length:,} of {LONGEST_TEXTS:,} characters in all, {LONGEST_TEXT:,} at most in each. The bank reads these"
        " words and the documents, and nothing else."
    )
    return Panel("Texts", ["About", "Characters", "Text", ""], rows, note=note)


def documents(pack: DisputeEvidence) -> Panel:
    """List the documents, each to be downloaded."""
    files = EvidenceFile.objects.filter(evidence=pack).defer("content").order_by("pk")
    rows = [
        [
            format_html(
                '<a href="{}" class="text-link">{}</a>',
                reverse("admin:refunds_disputeevidence_document", args=[pack.pk, file.document]),
                DOCUMENTS[Document(file.document)],
            ),
            f"{file.size // 1024:,} KB",
            "Yes" if file.is_included else "No",
            file.reference or "-",
        ]
        for file in files
    ]
    return Panel("Documents", ["PDF", "Size", "Handed over", "At the gateway"], rows)


def earlier(dispute: Dispute) -> Panel:
    """List the customer's earlier payments, with what they share with the disputed one."""
    found = records.earlier_payments(dispute)
    rows = [
        [
            link("billing_deposit", one.payment.number, f"Deposit {one.payment.number}"),
            moment(one.payment.paid_at),
            ", ".join(one.shared) or "-",
            "Could serve" if one.serves else f"No: {one.obstacle}",
        ]
        for one in found.candidates[:_MOST_EARLIER]
    ]
    rule = (
        f"Visa's rule (reason {compelling.REASON}) asks for {NEEDED} undisputed payments, more than {YOUNGEST.days} and"
        f" at most {OLDEST.days} days before the dispute, by the same method and from the same address or device."
    )
    if found.is_enough:
        verdict = "It is met."
    elif not found.applies:
        verdict = f"This dispute has another reason: {dispute.reason_code or 'none given'}."
    else:
        verdict = f"{len(found.serving)} could serve."
    if len(found.candidates) > _MOST_EARLIER:
        verdict += f" {len(found.candidates) - _MOST_EARLIER:,} more are not shown."
    return Panel(
        "Earlier payments that could serve",
        ["Payment", "Paid (UTC)", "The same", "Serves"],
        rows,
        note=f"{rule} {verdict}",
    )


def claimed(dispute: Dispute) -> str:
    """Write what the bank claims."""
    return f"{dispute.claim} of deposit {dispute.deposit_id}, {dispute.reason or 'no reason given'}"


def _text(text: str) -> SafeString:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in shown.split("\n")))


def _notes(pack: DisputeEvidence, name: Text) -> str:
    notes = ["Edited"] if name.value in pack.edits else []
    if name in pack.left_out and not notes:
        notes.append(f"{counted(pack.left_out[name], 'line')} left out for length")
    return ", ".join(notes)
