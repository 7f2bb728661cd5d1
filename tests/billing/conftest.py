"""A customer with money that can be withdrawn."""

import pytest

from panel.accounts.models import User
from tests.factories import make_customer, receive_by_hand


@pytest.fixture
def ada() -> User:
    """Has 50.00, paid by bank transfer."""
    customer = make_customer()
    receive_by_hand(customer, "50")
    return customer
