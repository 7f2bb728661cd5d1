"""What staff do with evidence: have it assembled, write, stage, submit."""

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold import widgets

from billing.models import Dispute
from panel.accounts.admin.asking import Done, Question, ask, staff_of
from panel.accounts.admin.pages import StaffAdmin
from panel.kernel.evidence import LONGEST_TEXT, Document, Text
from refunds.admin import evidence_panels
from refunds.evidence import editing, preparing, staging, submitting
from refunds.models import DisputeEvidence, EvidenceFile, EvidenceState

_LIST: Final = "admin:refunds_disputeevidence_changelist"
_PAGE: Final = "admin:refunds_disputeevidence_change"
_LINES: Final = {Text.CUSTOMER_NAME, Text.CUSTOMER_EMAIL, Text.PURCHASE_ADDRESS, Text.SERVICE_DATE}
_REVISION: Final = "_revision"


def assemble(page: StaffAdmin, request: HttpRequest, dispute: Dispute) -> HttpResponse:
    """Ask whether a pack is to be assembled from our records as they are now."""

    def act(given: dict[str, Any]) -> Done:
        del given
        made = preparing.assemble(dispute_id=dispute.pk, staff=staff_of(request), at=timezone.now())
        return Done(f"{made} is assembled. Nobody outside has seen it yet.", reverse(_PAGE, args=[made.pk]))

    question = Question(
        title=f"Assemble evidence for dispute {dispute.pk}",
        lead=(
            f"{evidence_panels.claimed(dispute)}. {evidence_panels.left(dispute, at=timezone.now())} The pack is made"
            " from our records as they are now; an earlier pack stays as it is, with what was written there."
        ),
        act=act,
        back=reverse(_LIST),
        submit="Assemble",
    )
    return ask(page, request, question)


def edit(page: StaffAdmin, request: HttpRequest, pack: DisputeEvidence) -> HttpResponse:
    """Ask for the texts and documents."""

    def act(given: dict[str, Any]) -> str:
        editing.edit(
            evidence_id=pack.pk,
            staff=staff_of(request),
            texts={name: given[name.value] for name in Text},
            documents=[Document(name) for name in given["documents"]],
            revision=_read(request, pack),
            at=timezone.now(),
        )
        return "Kept. Stage it to have it beside the dispute."

    question = Question(
        title=f"Edit {pack}",
        form=_form(pack),
        lead="What was assembled stays as it is beside your words.",
        act=act,
        back=reverse(_PAGE, args=[pack.pk]),
        submit="Keep it",
        about=pack,
        carried=[(_REVISION, str(_read(request, pack)))],
    )
    return ask(page, request, question)


def stage(page: StaffAdmin, request: HttpRequest, pack: DisputeEvidence) -> HttpResponse:
    """Ask whether the pack is to be put beside the dispute at the gateway."""

    def act(given: dict[str, Any]) -> str:
        del given
        done = staging.stage(evidence_id=pack.pk, staff=staff_of(request), at=timezone.now())
        if done.state == EvidenceState.STAGED:
            return "Staged. The bank does not see it until it is submitted."
        return f"Not staged: {done.error}"

    question = Question(
        title=f"Stage {pack}",
        lead="Texts and documents go to the gateway. The bank does not see them until they are submitted.",
        act=act,
        back=reverse(_PAGE, args=[pack.pk]),
        submit="Stage",
        about=pack,
    )
    return ask(page, request, question)


def submit(page: StaffAdmin, request: HttpRequest, pack: DisputeEvidence) -> HttpResponse:
    """Ask whether the pack is to be put before the bank, for good."""

    def act(given: dict[str, Any]) -> str:
        del given
        done = submitting.submit(
            evidence_id=pack.pk, staff=staff_of(request), revision=_read(request, pack), at=timezone.now()
        )
        if done.state == EvidenceState.SUBMITTED:
            return "Submitted to the bank."
        return "The gateway did not answer. What became of it is found out within minutes; nothing is sent twice."

    question = Question(
        title=f"Submit {pack} to the bank",
        lead=(
            "Evidence is taken once. After this nothing can be added, changed or taken back. Read the texts and the"
            " documents below first."
        ),
        act=act,
        back=reverse(_PAGE, args=[pack.pk]),
        submit="Submit, once and for good",
        about=pack,
        panels=[evidence_panels.texts(pack), evidence_panels.documents(pack)],
        carried=[(_REVISION, str(_read(request, pack)))],
        dangerous=True,
    )
    return ask(page, request, question)


def _read(request: HttpRequest, pack: DisputeEvidence) -> int:
    """Return the revision that this person has read."""
    carried = request.POST.get(_REVISION, "")
    return int(carried) if carried.isascii() and carried.isdecimal() and len(carried) < 10 else pack.revision  # noqa: PLR2004


def _form(pack: DisputeEvidence) -> type[forms.Form]:
    fields: dict[str, forms.Field] = {}
    for name in Text:
        rows = 2 if name in _LINES else 14
        attrs = {"rows": rows, "style": "max-width: none"}
        fields[name.value] = forms.CharField(
            label=evidence_panels.LABELS[name],
            initial=pack.texts.get(name, ""),
            required=False,
            max_length=LONGEST_TEXT,
            widget=widgets.UnfoldAdminTextareaWidget(attrs=attrs),
        )
    files = EvidenceFile.objects.filter(evidence=pack).order_by("pk").values_list("document", "is_included")
    fields["documents"] = forms.MultipleChoiceField(
        label="Documents that are handed over",
        choices=[(name, evidence_panels.DOCUMENTS[Document(name)]) for name, _ in files],
        initial=[name for name, is_included in files if is_included],
        required=False,
        widget=widgets.UnfoldAdminCheckboxSelectMultipleWidget,
    )
    return type("EvidenceForm", (forms.Form,), fields)
