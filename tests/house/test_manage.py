"""manage.py brings the embedded database along for the commands that need it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import manage
from panel import embedded

MANAGE = Path(manage.__file__)


def run(*words: str, var: Path) -> subprocess.CompletedProcess[str]:
    given = {"DATABASE_URL", "REDIS_URL", "TESTING"}
    environment = {key: value for key, value in os.environ.items() if key not in given} | {"VAR_DIR": str(var)}
    command = [sys.executable, str(MANAGE), *words]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("line", ["migrate", "shell", "audit_ledger --json", "check --database default", "runserver"])
def test_starts_the_database_for_a_command_that_reads_it(line: str) -> None:
    assert manage.needs_database(line.split())


@pytest.mark.parametrize("line", ["", "help", "migrate --help", "check", "check --deploy", "collectstatic --noinput"])
def test_starts_no_database_for_a_command_that_does_not_read_it(line: str) -> None:
    assert not manage.needs_database(line.split())


def test_command_finds_a_database_and_leaves_none_running(tmp_path: Path) -> None:
    try:
        ended = run("showmigrations", "--plan", "sessions", var=tmp_path)

        assert ended.returncode == 0, ended.stderr
        assert "[ ]  sessions.0001_initial" in ended.stdout
        assert not embedded.is_running(tmp_path)
    finally:
        embedded.drop(tmp_path)


def test_command_leaves_a_database_running_that_somebody_else_uses(tmp_path: Path) -> None:
    try:
        with embedded.running(tmp_path, fast=True):
            ended = run("showmigrations", "--plan", "sessions", var=tmp_path)

            assert ended.returncode == 0, ended.stderr
            assert embedded.is_running(tmp_path)
    finally:
        embedded.drop(tmp_path)
