"""The pages of refund policies: the one in force, earlier and coming ones, what changes, and drafts for staff."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from panel.web import queries
from panel.web.people import reader_of, signed_in
from refunds import customer_changes, drafting, publishing
from refunds.models import PolicyDraft, PolicyVersion
from refunds.policy import differences, page
from refunds.policy.document import Policy
from refunds.policy.loader import PolicyInvalid
from refunds.policy.outcomes import Direction
from refunds.policy.page import Page

_MOST_RULES: Final = 20


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """Combinations that come out otherwise: which, what follows before and after, and for whom that is better."""

    facts: tuple[tuple[str, str], ...]
    before: str
    after: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class ChangedFigure:
    """A figure or choice that changes, in words; empty on the side where it isn't there."""

    name: str
    before: str
    after: str


@require_safe
def refund_policy(request: HttpRequest) -> HttpResponse:
    """Show the refund policy that new orders of this reader are placed under."""
    version = queries.policy_in_force(timezone.now(), reader_of(request))
    if version is None:
        raise Http404
    return _policy_page(request, version, timezone.now())


@require_safe
def refund_policy_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """Show the version that an order was placed under, or will be, whether or not it is in force."""
    if queries.announced_in_vain(version_id, reader_of(request)):
        return render(request, "web/refund_policy_withdrawn.html")
    return _policy_page(request, _readable(request, version_id), timezone.now())


@require_safe
def changes(request: HttpRequest, version_id: int) -> HttpResponse:
    """Show what differs between a version and the one that it follows."""
    if queries.announced_in_vain(version_id, reader_of(request)):
        return render(request, "web/refund_policy_withdrawn.html")
    version = _readable(request, version_id)
    before = publishing.before(version)
    context: dict[str, object] = {"version": version, "before": before}
    if before is not None:
        currency = settings.PANEL_CURRENCY
        found = customer_changes.between(before.policy, version.policy, currency)
        figures = [ChangedFigure(figure.name, *figure.words(currency)) for figure in found.figures]
        words = differences.texts(_passages(before.policy), _passages(version.policy))
        context |= {
            "rules": [
                ChangedRule(
                    change.row.facts, change.before.words(currency), change.after.words(currency), change.direction
                )
                for change in found.rules[:_MOST_RULES]
            ],
            "cases": [list(changes) for _, changes in groupby(found.cases, key=lambda change: change.case)],
            "more": max(len(found.rules) - _MOST_RULES, 0),
            "figures": figures,
            "texts": words,
            "nothing": not (found.rules or found.cases or words or figures),
        }
    return render(request, "web/refund_policy_changes.html", context)


@never_cache
@login_required
@require_safe
def draft(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Show staff the page as customers would see it if the draft were published."""
    staff = signed_in(request)
    if not (staff.is_staff and staff.has_perm("refunds.view_policydraft")):
        raise Http404
    found = PolicyDraft.objects.filter(pk=draft_id).first()
    if found is None:
        raise Http404
    try:
        content = _content(drafting.policy_of(found))
    except PolicyInvalid:
        return render(request, "web/refund_policy_draft.html", {"draft": found, "page": None})
    return render(request, "web/refund_policy_draft.html", {"draft": found, "page": content})


def _readable(request: HttpRequest, version_id: int) -> PolicyVersion:
    version = queries.published_policy(version_id, reader_of(request))
    if version is None:
        raise Http404
    return version


def _policy_page(request: HttpRequest, version: PolicyVersion, at: datetime) -> HttpResponse:
    in_force = queries.policy_in_force(at, reader_of(request))
    return render(
        request,
        "web/refund_policy.html",
        {
            "page": _content(version.policy),
            "version": version,
            "in_force": version == in_force,
            "is_coming": version.effective_from > at,
            "history": queries.policy_history(version),
            "current": in_force,
            "now": at,
        },
    )


def _content(policy: Policy) -> Page:
    return page.build(policy, **_here())


def _passages(policy: Policy) -> dict[str, str]:
    return page.passages(policy, **_here())


def _here() -> dict[str, str]:
    """Return what this panel puts into a policy's words."""
    return {"panel": settings.PANEL_NAME, "currency": settings.PANEL_CURRENCY, "email": settings.SUPPORT_EMAIL}
