#!/usr/bin/env python
"""Command line of the panel: `manage.py help` lists the commands.

With DATABASE_URL unset, the embedded PostgreSQL runs for as long as a command needs it.
"""

import os
import signal
import sys

WITHOUT_DATABASE = frozenset(
    {
        "help",
        "version",
        "--version",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "makemessages",
        "startapp",
        "startproject",
    }
)


def needs_database(words: list[str]) -> bool:
    """Whether this command line reads the database; `check` does only with --database."""
    if not words or words[0] in WITHOUT_DATABASE or {"-h", "--help"} & set(words):
        return False
    return words[0] != "check" or any(word.startswith("--database") for word in words)


def main() -> None:
    """Run one management command against panel.settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    if not {"DATABASE_URL", "DATABASE_URL_FILE"} & set(os.environ) and needs_database(sys.argv[1:]):
        from panel import embedded  # noqa: PLC0415 - only where it is needed

        # An end by signal is an end like any other: the cluster stops with its last user.
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
        with embedded.running(embedded.DEFAULT_VAR):
            execute()
    else:
        execute()


def execute() -> None:
    """Hand the command line to Django."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - after the settings are named

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
