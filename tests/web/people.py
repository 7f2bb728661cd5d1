"""What sign-in asks for beside a password."""

from allauth.account.models import EmailAddress
from django.test import Client

from panel.accounts.models import User

PASSWORD = "a long passphrase"  # the one of tests.factories


def confirm(user: User) -> None:
    """Mark the user's e-mail address as confirmed."""
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def sign_in(client: Client, user: User) -> None:
    """Sign in by password, and give it once more as the pages about security ask."""
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
