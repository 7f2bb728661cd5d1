"""Which letters were written, by the names of their templates."""

from panel.accounts.models import User
from panel.notifications.models import Email


def to(customer: User) -> list[str]:
    """Return the letters to the customer, oldest first."""
    return list(Email.objects.filter(customer=customer).order_by("id").values_list("template", flat=True))


def count(template: str) -> int:
    """Return how many letters of a kind there are, to anybody."""
    return Email.objects.filter(template=template).count()
