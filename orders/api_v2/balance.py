"""`balance`: what the customer can order for."""

from django.conf import settings
from django.db.models import Sum

from billing.models import Account, CustomerAccount
from orders.api_v2.call import Call
from panel.kernel import money


def balance(call: Call) -> dict[str, str]:
    """Return available and promotional money together, as a string, with the panel's currency."""
    spendable = Account.objects.filter(
        customer=call.customer, kind__in=[CustomerAccount.AVAILABLE, CustomerAccount.PROMO]
    ).aggregate(total=Sum("balance", default=money.ZERO))
    return {"balance": money.plain(spendable["total"]), "currency": settings.PANEL_CURRENCY}
