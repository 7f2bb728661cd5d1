"""The two questions that a load balancer asks: is this process alive, and may it be sent requests."""

import functools
import os
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from refunds.models import PolicyVersion

BROKER_SECONDS = 2.0


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view
    """Answer 200 while the process answers at all; reads neither database nor broker."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view
    """Answer 200 if orders can be taken, and 503 with the reason of each part that stands in the way.

    Shape: `{"status": "ready" | "not ready", "parts": {part: {"ok": bool, "reason": str}}}`.
    """
    parts: dict[str, Callable[[], str]] = {
        "database": _database,
        "migrations": _migrations,
        "policy": _policy,
        "broker": _broker,
    }
    found: dict[str, dict[str, object]] = {}
    database_answers = True
    for name, reason_against in parts.items():
        if name in {"migrations", "policy"} and not database_answers:
            reason = "the database does not answer"
        else:
            try:
                reason = reason_against()
            except DatabaseError as error:
                reason = f"the database refuses: {type(error).__name__}"
                database_answers = False
        found[name] = {"ok": not reason, "reason": reason}
    ready = all(part["ok"] for part in found.values())
    return JsonResponse({"status": "ready" if ready else "not ready", "parts": found}, status=200 if ready else 503)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


@functools.cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations or ())


def _migrations() -> str:
    missing = _migrations_on_disk() - MigrationRecorder(connection).applied_migrations().keys()
    return f"not applied: {', '.join(sorted('.'.join(key) for key in missing))}" if missing else ""


def _policy() -> str:
    in_force = PolicyVersion.objects.filter(effective_from__lte=timezone.now()).exists()
    return "" if in_force else "no refund policy is in force: run manage.py publish_policy"


def _broker() -> str:
    if not settings.REDIS_URL:
        folder = str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"])
        return "" if os.access(folder, os.W_OK) else "the broker's folder can't be written"
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError as error:
        return f"Redis does not answer: {type(error).__name__}"
    finally:
        client.close()
    return ""
