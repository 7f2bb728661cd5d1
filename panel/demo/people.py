"""Who is in the demo, and how they sign in: secrets are made once and kept beside the demo's data."""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group

from panel import staff_groups
from panel.accounts import keys
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended

JOINED_BEFORE: Final = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Role:
    """A part in the demo; `role` is the word that programs use for it. Staff without a group may do everything."""

    role: str
    name: str
    email: str
    is_staff: bool = False
    group: str = ""


ROLES: Final = (
    Role("customer", "Ada Lovell", "ada@example.com"),
    Role("second_customer", "Ben Okafor", "ben@example.com"),
    Role("staff", "Grace Moreau", "grace@example.com", is_staff=True),
    Role("second_staff", "Hiro Tanaka", "hiro@example.com", is_staff=True),
    Role("agent", "Ivy Chen", "ivy@example.com", is_staff=True, group=staff_groups.AGENT),
    Role("approver", "Jonas Weber", "jonas@example.com", is_staff=True, group=staff_groups.APPROVER),
)
# Those whom only staff meet: nobody signs in as them.
OTHERS: Final = (
    Role("suspended_customer", "Dora Lind", "dora@example.com"),
    Role("stranded_customer", "Chloe Martin", "chloe@example.com"),
    Role("bank_customer", "Farah Aziz", "farah@example.com"),
)


def load(*, secrets_file: Path, at: datetime) -> tuple[dict[str, User], dict[str, dict[str, str]]]:
    """Put up everybody with a verified address; return users and what signs them in, both by role.

    Passwords and API keys are those of `secrets_file` as long as they open something, and written there when new.
    """
    kept = _read(secrets_file)
    users: dict[str, User] = {}
    sign_ins: dict[str, dict[str, str]] = {}
    for role in ROLES:
        before = kept.get(role.role, {})
        password = before.get("password") or secrets.token_urlsafe(12)
        users[role.role] = _user(role, password, at)
        sign_ins[role.role] = {"email": role.email, "password": password}
        if not role.is_staff:
            sign_ins[role.role]["api_key"] = _api_key(users[role.role], before.get("api_key", ""), at)
    users |= {role.role: _user(role, None, at) for role in OTHERS}
    _write(secrets_file, sign_ins)
    return users, sign_ins


def _user(role: Role, password: str | None, at: datetime) -> User:
    user = User.objects.filter(email=role.email).first()
    if user is None:
        rights = {"is_staff": role.is_staff, "is_superuser": role.is_staff and not role.group}
        joined = at - JOINED_BEFORE
        user = User.objects.create_user(role.email, password, name=role.name, date_joined=joined, **rights)
    elif password and not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    if role.group:
        user.groups.add(Group.objects.get(name=role.group))
    EmailAddress.objects.update_or_create(user=user, email=role.email, defaults={"verified": True, "primary": True})
    return user


def _api_key(user: User, secret: str, at: datetime) -> str:
    """Return `secret` if it still opens the account, and otherwise a new one: only digests of them are stored.

    A suspended account is given none; what it had before opens it again after the suspension.
    """
    try:
        if keys.authenticate(secret=secret, at=at) == user:
            return secret
    except keys.InvalidKey:
        pass
    except AccountSuspended:
        return secret
    if user.is_suspended:
        return ""
    _, fresh = keys.create(user=user, name="Demo")
    return fresh


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Return what an earlier load wrote; nothing when it is missing or not what we write."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {role: person for role, person in document.items() if isinstance(person, dict)}


def _write(path: Path, sign_ins: dict[str, dict[str, str]]) -> None:
    """Write the file for its owner alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(sign_ins, indent=2) + "\n")
    half.replace(path)
