"""The customer's balance and its statement."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing import statement
from panel.web import queries, typed
from panel.web.people import signed_in


@never_cache
@login_required
@require_safe
def balance(request: HttpRequest) -> HttpResponse:
    """Show what there is to spend, what is in orders, and every move of the balance."""
    customer = signed_in(request)
    before = typed.number(request.GET.get("before"))
    found = statement.lines(customer, before=before)
    return render(
        request,
        "web/balance.html",
        {"statement": found, "in_orders": queries.in_orders(customer), "is_first": before is None},
    )
