"""The customer's API keys: make one, see them, revoke one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from panel.accounts import keys
from panel.accounts.models import ApiKey
from panel.kernel.errors import NotFound, PanelError
from panel.web import queries
from panel.web.people import signed_in

LONGEST_NAME = 60


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List the keys; a POST makes one and shows its secret, this once."""
    if request.method != "POST":
        return _page(request)
    name = request.POST.get("name", "").strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        error = f"A name has at most {LONGEST_NAME} characters that can be seen."
        return _page(request, error=error, status=422)
    try:
        _, secret = keys.create(user=signed_in(request), name=name)
    except PanelError as refused:
        return _page(request, error=refused.message, status=403)
    # Shown in this answer and nowhere kept: neither in the session nor in a message.
    return _page(request, secret=secret)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """Ask whether to revoke a key, and do it."""
    customer = signed_in(request)
    if request.method == "POST":
        try:
            keys.revoke(user=customer, key_id=key_id, at=timezone.now())
        except NotFound as error:
            raise Http404 from error
        messages.success(request, "The key is revoked. Whatever used it can't sign in any more.")
        return redirect("api-keys")
    key = ApiKey.objects.filter(user=customer, pk=key_id, revoked_at=None).first()
    if key is None:
        raise Http404
    return render(request, "web/api_key_revoke.html", {"key": key})


def _page(request: HttpRequest, *, secret: str = "", error: str = "", status: int = 200) -> HttpResponse:
    return render(
        request,
        "web/api_keys.html",
        {
            "keys": queries.api_keys(signed_in(request)),
            "secret": secret,
            "error": error,
            "api_url": request.build_absolute_uri(reverse("api-v2")),
        },
        status=status,
    )
