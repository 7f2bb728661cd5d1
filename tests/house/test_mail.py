"""E-mails of the demo: one file each."""

import email
import email.policy
from pathlib import Path

import pytest
from django.core import mail
from pytest_django import Settings


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = "panel.sandbox.mail.EmlBackend"
    settings.MAIL_DIR = tmp_path / "mail"
    return tmp_path / "mail"


def test_writes_each_message_into_a_file_that_a_mail_program_reads(folder: Path) -> None:
    mail.send_mail("Your order", "It is on its way — soon.", "panel@makegood.example", ["maria@example.com"])
    mail.send_mail("Your refund", "1.50 USD", "panel@makegood.example", ["maria@example.com", "tom@example.com"])

    first, second = (
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in sorted(folder.iterdir())
    )
    assert (first["Subject"], second["Subject"]) == ("Your order", "Your refund")
    assert second["To"] == "maria@example.com, tom@example.com"
    assert "on its way — soon" in first.get_content()
    assert all(path.suffix == ".eml" for path in folder.iterdir())


def test_leaves_out_a_message_to_nobody(folder: Path) -> None:
    assert mail.get_connection().send_messages([mail.EmailMessage("Hello", "Anybody?", to=[])]) == 0
    assert list(folder.iterdir()) == []
