"""Loading the demo's data as the supervisor does, and looking at what came of it."""

import json
from decimal import Decimal
from io import StringIO

from django.core.management import call_command

from billing.models import Account


def load(*words: str) -> dict[str, dict[str, str]]:
    """Load what is not there yet; return who may sign in, by role."""
    out = StringIO()
    call_command("load_demo", "--json", *words, stdout=out)
    document: dict[str, dict[str, str]] = json.loads(out.getvalue())
    return document


def balance(email: str, kind: str) -> Decimal:
    """Return the balance of one of a customer's accounts."""
    amount = Account.objects.get(customer__email=email, kind=kind).balance
    assert amount is not None
    return amount
