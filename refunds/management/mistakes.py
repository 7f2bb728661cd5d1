"""How commands tell of a document that can't be used: each problem with its line, in words or as JSON."""

import json

from django.core.management.base import CommandError, OutputWrapper

from panel.kernel.errors import PanelError
from refunds.policy.loader import PolicyInvalid


def told(error: PanelError, out: OutputWrapper, *, as_json: bool) -> CommandError:
    """Write what is wrong, and return the error to end with: for a document its count of problems, else the sentence.

    JSON is written for any error, so that a program that asked for it can always read something.
    """
    invalid = isinstance(error, PolicyInvalid)
    problems: tuple[str, ...] = error.problems if isinstance(error, PolicyInvalid) else (error.message,)
    lines: tuple[int | None, ...] = error.lines if isinstance(error, PolicyInvalid) else (None,)
    if as_json:
        out.write(json.dumps({"passed": False, "problems": problems, "lines": lines}, indent=2))
    elif invalid:
        for problem, line in zip(problems, lines, strict=True):
            out.write(problem if line is None else f"line {line}: {problem}")
    if not invalid:
        return CommandError(error.message)
    source = problems[0].split(":", 1)[0]
    return CommandError(f"{source} has {len(problems)} {'problem' if len(problems) == 1 else 'problems'}.")
