import pytest

from panel.accounts.models import User
from tests.factories.desk import make_agent, make_approver


@pytest.fixture
def hiro(db: None) -> User:  # noqa: ARG001 - needs the database
    """An agent: works at the desk, confirms nothing."""
    return make_agent("hiro")


@pytest.fixture
def ida(db: None) -> User:  # noqa: ARG001 - needs the database
    """An approver: confirms as a second person too."""
    return make_approver("ida")
