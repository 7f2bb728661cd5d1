"""What can be said of every file: not too long, nothing that only one machine has, every template compiles."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from django.template import engines

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("panel", "billing", "orders", "refunds", "benchmarks", "tests", "templates", "static", "docs", ".ci")
LONGEST_SOURCE, LONGEST_TEST = 400, 500


def files(*suffixes: str) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path
    yield from (path for path in sorted(ROOT.glob("*")) if path.is_file() and path.suffix in suffixes)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_people_read() -> None:
    too_long = {
        name(path): length
        for path in files(".py", ".css", ".js", ".html")
        if "migrations" not in path.parts
        and (length := len(path.read_text(encoding="utf-8").splitlines()))
        > (LONGEST_TEST if path.is_relative_to(ROOT / "tests") else LONGEST_SOURCE)
    }

    assert too_long == {}


def test_no_module_is_a_bucket() -> None:
    buckets = {"utils", "helpers", "common", "core", "services", "managers", "signals", "misc"}

    assert [name(path) for path in files(".py") if path.stem in buckets or path.parent.name in buckets] == []


def test_nothing_is_left_to_do_and_nothing_is_hidden_from_coverage() -> None:
    marks = re.compile(
        "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "pragma: " + "no cover", r"pytest\.mark\.sk" + "ip"])
    )

    found = [
        f"{name(path)}:{number}"
        for path in files(".py", ".html", ".css", ".js")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]

    assert found == []


def test_lock_names_no_index_and_no_path() -> None:
    for lock in (ROOT / "requirements.lock", ROOT / "requirements-runtime.lock"):
        for line in lock.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"[a-z0-9-]+==[^ ]+( ; [^/\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_lock_pins_everything_that_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    asked = [re.split(r"[^A-Za-z0-9-]", line, maxsplit=1)[0] for line in lines]
    pinned = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)

    assert len(asked) > 20
    assert {package.lower() for package in asked} - set(pinned) == set()


def test_every_template_compiles() -> None:
    for path in sorted((ROOT / "templates").rglob("*.*")):
        engines["django"].get_template(str(path.relative_to(ROOT / "templates")))


def test_runtime_lock_is_a_part_of_the_whole_lock() -> None:
    whole = set((ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines())
    runtime = (ROOT / "requirements-runtime.lock").read_text(encoding="utf-8").splitlines()

    assert [
        line for line in runtime if "==" in line and line.rstrip(" \\") not in {w.rstrip(" \\") for w in whole}
    ] == []
