import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Service
from panel.accounts import keys
from panel.accounts.models import User
from tests.factories import make_customer, make_package, make_service
from tests.orders.api_v2.panel_client import Api, Books


def key_of(user: User) -> str:
    return keys.create(user=user, name="test")[1]


@pytest.fixture
def ada(db: None) -> User:  # noqa: ARG001 - needs the database
    """A customer with 50.00, of which nothing is promotional."""
    return make_customer("ada", funds="50")


@pytest.fixture
def key(ada: User) -> str:
    return key_of(ada)


@pytest.fixture
def api(client: Client, key: str) -> Api:
    """Ada's calls."""
    return Api(client, key)


@pytest.fixture
def reach(db: None) -> Service:  # noqa: ARG001 - as above
    """0.90 for 1,000; from 50 to 10,000."""
    return make_service(rate="0.90", min_quantity=50, max_quantity=10_000)


@pytest.fixture
def spot(db: None) -> Service:  # noqa: ARG001 - as above
    """A package of 5,000 for 12.50."""
    return make_package(rate="12.50", units=5000)


@pytest.fixture
def books(db: None) -> Books:  # noqa: ARG001 - as above
    return Books()


@pytest.fixture
def keys_used_now(key: str) -> None:
    """Note the key's use beforehand, so that a call counts no statement for it."""
    keys.authenticate(secret=key, at=timezone.now())
