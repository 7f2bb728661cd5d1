"""Each load has a var directory of its own, and the clock of a running demo for what it makes."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def own_var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    settings.WITHDRAWAL_CANCEL_WINDOW = timedelta(days=1)  # as the supervisor gives it to the loader
    return tmp_path
