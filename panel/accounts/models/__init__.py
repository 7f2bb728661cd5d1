"""Rows about people."""

from panel.accounts.models.api_key import ApiKey
from panel.accounts.models.group import CustomerGroup
from panel.accounts.models.standing import StandingChange
from panel.accounts.models.user import Standing, SuspensionCause, User, UserManager

__all__ = ["ApiKey", "CustomerGroup", "Standing", "StandingChange", "SuspensionCause", "User", "UserManager"]
