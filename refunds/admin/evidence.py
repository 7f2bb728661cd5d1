"""Evidence in disputes as staff see it: by deadline, one pack with texts and documents, and what is done with it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header

from billing.models import Dispute
from panel.accounts.admin.pages import Panel, ReadOnlyAdmin, detail_action, link, moment, shown
from refunds.admin import evidence_actions, evidence_panels
from refunds.evidence import access
from refunds.models import DisputeEvidence, EvidenceFile, EvidenceState

_COLORS = {
    EvidenceState.ASSEMBLED: "warning",
    EvidenceState.STAGING: "info",
    EvidenceState.STAGED: "warning",
    EvidenceState.SUBMITTING: "info",
    EvidenceState.SUBMITTED: "success",
}
_OFFERED = {
    EvidenceState.ASSEMBLED: {"edit", "stage", "anew"},
    EvidenceState.STAGED: {"edit", "submit", "anew"},
}


@admin.register(DisputeEvidence)
class DisputeEvidenceAdmin(ReadOnlyAdmin):
    """Nothing is typed into rows here: packs are assembled, and changed by the use cases of refunds.evidence."""

    list_display = ("number_shown", "claim", "state_label", "deadline", "assembled_at")
    list_filter = ("state",)
    search_fields = ("dispute__reference",)
    search_help_text = "The gateway's reference of the dispute"
    fieldsets = (
        (
            "Evidence",
            {
                "fields": (
                    ("how_far", "deadline_shown"),
                    ("claim", "customer"),
                    ("assembled_at", "assembled_by"),
                    ("edited_at", "edited_by", "revision"),
                    ("staged_at", "submitted_at", "submitted_by"),
                )
            },
        ),
    )
    act_permission = access.MAY_PREPARE
    actions_detail = ("edit", "stage", "submit", "anew")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DisputeEvidence]:
        rows: QuerySet[DisputeEvidence] = super().get_queryset(request)
        return rows.select_related("dispute__customer", "dispute__deposit", "submitted_by")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """The next deadline first; what needs no answer by the latest."""
        return (F("dispute__respond_by").asc(nulls_last=True), "-id")

    def has_submit_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this member of staff may submit evidence to the bank."""
        return bool(request.user.has_perm(access.MAY_SUBMIT))

    def get_urls(self) -> list[Any]:
        of = path("of/<int:dispute_id>/", self.admin_site.admin_view(self.of), name="refunds_disputeevidence_of")
        document = path(
            "<int:evidence_id>/documents/<slug:name>/",
            self.admin_site.admin_view(self.document),
            name="refunds_disputeevidence_document",
        )
        return [of, document, *super().get_urls()]

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what fits the pack's state; nothing on one that was assembled anew since."""
        pack = DisputeEvidence.objects.filter(pk=object_id).select_related("dispute").first()
        latest = None if pack is None else access.newest(pack.dispute)
        if pack is None or latest is None or latest.pk != pack.pk or pack.dispute.standing not in access.ANSWERABLE:
            return []
        allowed = _OFFERED.get(EvidenceState(pack.state), set())
        if pack.for_appeal != pack.dispute.is_appeal:
            allowed = {"anew"}
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if one.action_name.removeprefix("refunds_disputeevidence_") in allowed]

    def panels(self, request: HttpRequest, obj: DisputeEvidence) -> Sequence[Panel]:
        return [
            evidence_panels.texts(obj),
            evidence_panels.documents(obj),
            evidence_panels.earlier(obj.dispute),
        ]

    @shown(description="Evidence", ordering="id")
    def number_shown(self, pack: DisputeEvidence) -> str:
        return str(pack)

    @shown(description="State", ordering="state", label=_COLORS)
    def state_label(self, pack: DisputeEvidence) -> tuple[str, str]:
        return pack.state, pack.get_state_display()

    @shown(description="State")
    def how_far(self, pack: DisputeEvidence) -> str:
        return evidence_panels.state(pack)

    @shown(description="Claimed by the bank")
    def claim(self, pack: DisputeEvidence) -> str:
        return evidence_panels.claimed(pack.dispute)

    @shown(description="Customer")
    def customer(self, pack: DisputeEvidence) -> object:
        return link("accounts_user", pack.dispute.customer_id, pack.dispute.customer)

    @shown(description="Answer by (UTC)", ordering="dispute__respond_by")
    def deadline(self, pack: DisputeEvidence) -> str:
        return moment(pack.dispute.respond_by)

    @shown(description="Time left")
    def deadline_shown(self, pack: DisputeEvidence) -> str:
        return evidence_panels.left(pack.dispute, at=timezone.now())

    @detail_action(description="Edit…", permissions=["act"], icon="edit")
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return evidence_actions.edit(self, request, self.found(request, object_id))

    @detail_action(description="Stage…", permissions=["act"], icon="upload")
    def stage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return evidence_actions.stage(self, request, self.found(request, object_id))

    @detail_action(description="Submit to the bank…", permissions=["submit"], icon="gavel")
    def submit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return evidence_actions.submit(self, request, self.found(request, object_id))

    @detail_action(description="Assemble anew…", permissions=["act"], icon="refresh")
    def anew(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return evidence_actions.assemble(self, request, self.found(request, object_id).dispute)

    def of(self, request: HttpRequest, dispute_id: int) -> HttpResponse:
        """Lead to the newest evidence of a dispute; where there is none, offer to assemble it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        dispute = Dispute.objects.filter(pk=dispute_id).first()
        if dispute is None:
            raise Http404
        latest = access.newest(dispute)
        if latest is not None and latest.for_appeal == dispute.is_appeal:
            return HttpResponseRedirect(reverse("admin:refunds_disputeevidence_change", args=[latest.pk]))
        if not self.has_act_permission(request):
            raise PermissionDenied
        return evidence_actions.assemble(self, request, dispute)

    def document(self, request: HttpRequest, evidence_id: int, name: str) -> HttpResponse:
        """Hand out one document to be saved."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        file = EvidenceFile.objects.filter(evidence=evidence_id, document=name).first()
        if file is None:
            raise Http404
        answer = HttpResponse(bytes(file.content), content_type="application/pdf")
        answer["Content-Disposition"] = (
            content_disposition_header(as_attachment=True, filename=file.name) or "attachment"
        )
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Cache-Control"] = "private, no-store"
        return answer
