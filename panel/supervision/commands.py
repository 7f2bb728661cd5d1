"""The command lines of the panel's processes, one place for demo, production and tests."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def manage(*words: str) -> list[str]:
    """Return a management command."""
    return [sys.executable, str(ROOT / "manage.py"), *words]


def web(*, host: str, port: int, workers: int = 2, threads: int = 4) -> list[str]:
    """Return the web server; each thread keeps one database connection."""
    return [
        *[sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", host, "--port", str(port)],
        *["--workers", str(workers), "--blocking-threads", str(threads), "--log-level", "warning"],
        *["--respawn-failed-workers", "--workers-kill-timeout", "5", "panel.wsgi:application"],
    ]


def worker(*, concurrency: int = 2) -> list[str]:
    """Return the Celery worker, without the chatter between workers that one broker folder can't carry."""
    return [
        *[sys.executable, "-m", "celery", "-A", "panel.celery", "worker", "--concurrency", str(concurrency)],
        *["--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "INFO"],
    ]


def beat(*, var: Path) -> list[str]:
    """Return Celery beat; its schedule file is made anew, because every due time is in the database."""
    folder = var / "beat"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return [
        *[sys.executable, "-m", "celery", "-A", "panel.celery", "beat", "--pidfile", ""],
        *["--schedule", str(folder / "schedule"), "--loglevel", "WARNING"],
    ]
