"""The embedded PostgreSQL: real clusters in directories of their own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from panel import embedded


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "a place with spaces"
    yield place
    embedded.drop(place)


def answer(url: str) -> object:
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 6 * 7")
        row = cursor.fetchone()
    connection.close()
    return row


def data_of(var: Path) -> Path:
    return embedded.home(var) / "postgres"


def test_address_is_the_same_before_during_and_after_a_run(var: Path) -> None:
    before = embedded.database_url(var)

    assert not embedded.is_running(var)
    with embedded.running(var, fast=True) as url:
        assert url == before
        assert answer(url) == (42,)
    assert not embedded.is_running(var)
    assert embedded.database_url(var) == before


def test_last_user_stops_the_cluster_and_no_other(var: Path) -> None:
    early = embedded.ensure_running(var, fast=True)
    late = embedded.ensure_running(var)

    early.release()
    early.release()

    assert answer(embedded.database_url(var)) == (42,)
    late.release()
    assert not embedded.is_running(var)


def test_claim_of_a_killed_process_does_not_count(var: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from panel import embedded
embedded.ensure_running(Path({str(var)!r}), fast=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert embedded.is_running(var)

    embedded.stop_if_unused(var)

    assert not embedded.is_running(var)


def test_unused_cluster_is_left_alone_while_somebody_claims_it(var: Path) -> None:
    with embedded.running(var, fast=True) as url:
        embedded.stop_if_unused(var)

        assert answer(url) == (42,)


def test_starts_after_the_machine_died_and_its_process_id_was_given_to_another(var: Path) -> None:
    handle = embedded.ensure_running(var, fast=True)
    pid_file = data_of(var) / "postmaster.pid"
    server = psutil.Process(int(pid_file.read_text().split()[0]))
    left_behind = pid_file.read_text()
    family = [server, *server.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)
    handle.release()

    somebody = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        pid_file.write_text(left_behind.replace(str(server.pid), str(somebody.pid), 1))
        with embedded.running(var, fast=True) as url:
            assert answer(url) == (42,)
    finally:
        somebody.kill()
        somebody.wait()


def test_starts_where_an_earlier_start_was_killed_while_making_the_cluster(var: Path) -> None:
    half = data_of(var).with_name("postgres.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with embedded.running(var, fast=True) as url:
        assert answer(url) == (42,)


def test_data_survives_a_stop(var: Path) -> None:
    with embedded.running(var) as url:
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.close()

    with embedded.running(var) as url:
        connection = psycopg2.connect(url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT answer FROM kept")
            assert cursor.fetchone() == (42,)
        connection.close()


def test_socket_moves_to_a_short_path_when_the_checkout_lies_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    try:
        with embedded.running(deep, fast=True) as url:
            assert "host=/tmp/makegood-" in url or "host=/var/lib/makegood/" in url
            assert answer(url) == (42,)
    finally:
        embedded.drop(deep)
    assert not Path(url.partition("host=")[2]).exists()


def test_command_runs_with_the_address_and_returns_its_code(var: Path) -> None:
    script = "import os, sys; sys.exit(7 if os.environ['DATABASE_URL'].startswith('postgresql:') else 1)"
    words = ["run", "--var", str(var), "--fast", "--", sys.executable, "-c", script]

    ended = subprocess.run([sys.executable, "-m", "panel.embedded", *words], check=False)

    assert ended.returncode == 7
    assert not embedded.is_running(var)


def test_sockets_are_for_their_owner_alone(var: Path) -> None:
    with embedded.running(var, fast=True):
        assert data_of(var).stat().st_mode & 0o077 == 0
