"""A signed-in customer and a browser-like client."""

import pytest
from django.test import Client

from panel.accounts.models import User
from tests.factories import make_customer


@pytest.fixture
def ada(db: None) -> User:  # noqa: ARG001 - needs the database
    """A customer with money."""
    return make_customer("ada", funds="50")


@pytest.fixture
def browser(ada: User, client: Client) -> Client:
    """A client in which Ada is signed in."""
    client.force_login(ada)
    return client
