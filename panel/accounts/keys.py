"""API keys: create, recognize, revoke."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from panel.accounts import suspension
from panel.accounts.models import ApiKey, User
from panel.kernel.errors import Forbidden, NotFound
from panel.postgres import prepared

PREFIX_LENGTH = 12
LONGEST_KEY = 200
# Writing "last used" on every call would make one hot row a key; a minute is exact enough for people.
LAST_USED_PRECISION = timedelta(minutes=1)


# Every API call begins with this.
_USER_FIELDS = [field.attname for field in User._meta.concrete_fields]  # noqa: SLF001 - Django's documented name
_OWNER = prepared.Statement(
    "api_key_owner",
    f"""
    SELECT k.id, k.last_used_at, {", ".join(f'u."{name}"' for name in _USER_FIELDS)}
    FROM accounts_apikey k JOIN accounts_user u ON u.id = k.user_id
    WHERE k.digest = %s AND k.revoked_at IS NULL AND u.is_active
    """,  # noqa: S608 - names of our own columns
)


class InvalidKey(Forbidden):
    """No active key with this secret: unknown, revoked, or of an account that is switched off."""

    code = "invalid_api_key"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def create(*, user: User, name: str = "") -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which can't be shown again.

    Raises AccountSuspended.
    """
    suspension.require_active(user)
    secret = f"mg_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        key = ApiKey.objects.create(user=user, name=name[:60], prefix=secret[:PREFIX_LENGTH], digest=_digest(secret))
    return key, secret


def authenticate(*, secret: str, at: datetime) -> User:
    """Return the owner of an active key and note its use.

    The comparison is an index look-up of a digest, so its time tells nothing about other keys.

    Raises InvalidKey; AccountSuspended when the owner is suspended.
    """
    if not secret or len(secret) > LONGEST_KEY:
        raise InvalidKey("Invalid API key")
    with connection.cursor() as cursor:
        _OWNER.run(cursor, [_digest(secret)])
        row = cursor.fetchone()
    if row is None:
        raise InvalidKey("Invalid API key")
    key_id, last_used_at, *values = row
    if last_used_at is None or last_used_at < at - LAST_USED_PRECISION:
        ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=at), pk=key_id).update(last_used_at=at)
    owner = User.from_db(connection.alias, _USER_FIELDS, values)
    suspension.require_active(owner)
    return owner


def revoke(*, user: User, key_id: int, at: datetime) -> None:
    """Make one of the user's keys useless from now on; doing it twice changes nothing.

    Raises NotFound for a key that isn't the user's.
    """
    changed = ApiKey.objects.filter(pk=key_id, user=user, revoked_at=None).update(revoked_at=at)
    if not changed and not ApiKey.objects.filter(pk=key_id, user=user).exists():
        raise NotFound("There is no such API key.")
