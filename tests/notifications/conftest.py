import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.notifications import mail_server
from tests.notifications.mail_server import MailServer


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[MailServer]:
    """A mail server that the panel sends to."""
    with mail_server.listening() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


@pytest.fixture
def closed_port(settings: Settings) -> int:
    """A mail server that is down."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    return port


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder into which the demo's backend writes e-mails."""
    settings.EMAIL_BACKEND = "panel.sandbox.mail.EmlBackend"
    settings.MAIL_DIR = tmp_path / "mail"
    return tmp_path / "mail"
