"""Where a cluster lives and what its address is, computed from the path of its `var` directory alone."""

import hashlib
import os
import re
import stat
from pathlib import Path
from urllib.parse import quote

DEFAULT_VAR = Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parents[2] / "var").absolute()
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET = 103  # sun_path holds 104 bytes on the BSDs and 108 on Linux, one of them the closing zero
SAFE_PATH = re.compile(r"[\w/. +@~=-]+", re.ASCII)  # no comma (libpq reads a list of hosts) and no quote
REACHABLE_HOME = Path("/var/lib/makegood")


def digest(var: Path) -> str:
    """Return a short name for this user's cluster of `var`, for places that many share."""
    return hashlib.sha256(f"{os.geteuid()}:{var}".encode()).hexdigest()[:12]


def others_may_enter(path: Path) -> bool:
    """Whether any user may walk through every directory above `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents if parent.exists())


def home(var: Path) -> Path:
    """Return where the cluster of this `var` lives: in it, or where the system user can reach it."""
    var = var.resolve()
    if os.geteuid() == 0 and not others_may_enter(var):
        return REACHABLE_HOME / digest(var)
    return var


def data_directory(var: Path) -> Path:
    """Return PostgreSQL's data directory."""
    return home(var) / "postgres"


def socket_directory(var: Path) -> Path:
    """Return where the server's socket is: with the data, unless a socket's path would be too long there."""
    data = data_directory(var)
    if len(str(data / SOCKET_NAME).encode()) <= LONGEST_SOCKET and SAFE_PATH.fullmatch(str(data)):
        return data
    return Path("/tmp") / f"makegood-{digest(var.resolve())}"  # noqa: S108 - checked to be ours before it is used


def database_url(var: Path) -> str:
    """Return the address of the cluster of `var`, whether it runs or not."""
    return f"postgresql://postgres@/postgres?host={quote(str(socket_directory(var)), safe='/')}"


def broker_options(var: Path) -> dict[str, object]:
    """Return the options of `panel.broker`, the message folders of `var`; creates the folders."""
    folder = var.resolve() / "broker"
    messages, control = folder / "messages", folder / "control"
    for path in (messages, control):
        path.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "store_processed": False,
        "polling_interval": 0.2,
    }
