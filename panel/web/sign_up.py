"""What allauth asks us about people who sign up: the adapter named by `ACCOUNT_ADAPTER`."""

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError

from panel.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth carries no types that mypy may read
    """allauth's own behavior, except where it would keep something else than was typed."""

    def clean_email(self, email: str) -> str:
        """Return the address; refuse one that the column can't hold, which allauth would silently cut off."""
        longest = User._meta.get_field("email").max_length  # noqa: SLF001 - Django's documented way to a field
        if longest is not None and len(email) > longest:
            message = f"An e-mail address has at most {longest} characters."
            raise ValidationError(message)
        return email
