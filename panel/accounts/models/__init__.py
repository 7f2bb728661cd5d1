"""Rows about people."""

from panel.accounts.models.api_key import ApiKey
from panel.accounts.models.standing import StandingChange
from panel.accounts.models.user import Standing, User, UserManager

__all__ = ["ApiKey", "Standing", "StandingChange", "User", "UserManager"]
