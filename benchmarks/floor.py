"""The floor: pgbench writing the same rows with hand-written SQL."""

import os
import re
import subprocess
from pathlib import Path

from panel import embedded

SQL = Path(__file__).parent / "sql"


def transactions_per_second(script: str, *, clients: int, seconds: int, **values: int) -> float:
    """Run one of sql/*.sql for some seconds and return how many transactions a second were committed."""
    definitions = [word for name, value in values.items() for word in ("-D", f"{name}={value}")]
    done = subprocess.run(
        [
            str(embedded.programs(Path(os.environ["VAR_DIR"])) / "pgbench"),
            *["--no-vacuum", "--client", str(clients), "--jobs", "2", "--time", str(seconds)],
            *["--file", str(SQL / script), *definitions, os.environ["DATABASE_URL"]],
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return float(found[1])
