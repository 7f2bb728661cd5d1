"""A connection that the server closed is noticed before it is used, without asking the server."""

import time

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from panel.accounts.models import User


@pytest.mark.django_db(transaction=True)
def test_replaces_a_connection_that_the_server_ended() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (ours,) = cursor.fetchone()
    killer = connections.create_connection("default")
    with killer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [ours])
    killer.close()
    deadline = time.monotonic() + 30
    while connection.is_usable() and time.monotonic() < deadline:
        time.sleep(0.01)

    connection.close_if_unusable_or_obsolete()

    assert User.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_looks_at_a_living_connection_without_a_statement() -> None:
    User.objects.count()

    with CaptureQueriesContext(connection) as queries:
        usable = connection.is_usable()

    assert usable
    assert len(queries) == 0
