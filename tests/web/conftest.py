"""Signed-in customers and a browser-like client."""

import pytest
from django.test import Client

from billing.models import Deposit, Withdrawal
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import make_customer, pay_in, withdraw


@pytest.fixture
def ada(db: None) -> User:  # noqa: ARG001 - needs the database
    """A customer with money."""
    return make_customer("ada", funds="50")


@pytest.fixture
def browser(ada: User, client: Client) -> Client:
    """A client in which Ada is signed in."""
    client.force_login(ada)
    return client


@pytest.fixture
def ben(client: Client, payments: PaymentsSandbox) -> User:
    """A customer, signed in, whose whole balance of fifty came by card."""
    ben = make_customer("ben")
    pay_in(ben, payments)
    client.force_login(ben)
    return ben


@pytest.fixture
def arranged(ben: User) -> Withdrawal:
    """A withdrawal of twenty that no card takes back."""
    Deposit.objects.filter(customer=ben).update(method_gone=True)
    return withdraw(ben, "20")
