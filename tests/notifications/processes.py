"""Processes of their own on the database of the test."""

import os
from pathlib import Path
from urllib.parse import urlencode

from django.db import connection

INHERITED = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "LANG")


def process_environment(folder: Path) -> dict[str, str]:
    """Return the variables of such a process, whose files and broker are in `folder`."""
    wanted = connection.settings_dict
    place = urlencode({"host": wanted["HOST"] or "127.0.0.1", "port": wanted["PORT"] or 5432})  # a socket's too
    return {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "DATABASE_URL": f"postgresql://{wanted['USER']}:{wanted['PASSWORD']}@/{wanted['NAME']}?{place}",
        "DJANGO_SETTINGS_MODULE": "panel.settings",
        "TESTING": "1",
        "VAR_DIR": str(folder),
    }
