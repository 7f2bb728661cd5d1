"""Rows about people."""

from panel.accounts.models.api_key import ApiKey
from panel.accounts.models.blocked import BlockedIdentity, IdentityKind
from panel.accounts.models.group import CustomerGroup
from panel.accounts.models.sign_in import SignIn, SignInWay
from panel.accounts.models.standing import StandingChange
from panel.accounts.models.user import Standing, SuspensionCause, User, UserManager

__all__ = [
    "ApiKey",
    "BlockedIdentity",
    "CustomerGroup",
    "IdentityKind",
    "SignIn",
    "SignInWay",
    "Standing",
    "StandingChange",
    "SuspensionCause",
    "User",
    "UserManager",
]
