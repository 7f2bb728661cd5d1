"""The files of refund requests: for their owner and for staff who may see requests, and never run by a browser."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from panel.accounts.models import User
from panel.web.people import signed_in
from refunds.models import RefundFile

MAY_VIEW: Final = "refunds.view_refundrequest"


@login_required
@require_safe
def file(request: HttpRequest, number: int, position: int) -> HttpResponse:
    """Hand out one file to be saved. To everybody else it looks as if there were none."""
    found = RefundFile.objects.filter(request=number, position=position).select_related("request").first()
    if found is None or not _may_see(signed_in(request), found):
        raise Http404
    # What a file is was judged by its content when it came; it may still hold a script besides, so it is never shown.
    answer = HttpResponse(bytes(found.content), content_type=found.content_type)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=found.name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["Cache-Control"] = "private, no-store"
    return answer


def _may_see(reader: User, found: RefundFile) -> bool:
    if found.request.customer_id == reader.pk:
        return True
    return reader.is_staff and reader.is_active and reader.has_perm(MAY_VIEW)
