"""Policies by the names that commands take: a file, or a published version."""

import re
from pathlib import Path
from typing import Final

from refunds.models import PolicyVersion
from refunds.policy import loader
from refunds.policy.document import Policy

_VERSION: Final = re.compile(r"([a-z0-9-]{1,80}):([0-9]{1,9})", re.ASCII)


def named(name: str) -> Policy:
    """Return the policy of a TOML file, or of a published version such as `money-back-guarantee:2`.

    Raises loader.PolicyInvalid, loader.PolicyNotFound.
    """
    version = _VERSION.fullmatch(name)
    if version is None or Path(name).exists():
        return loader.load_file(Path(name))
    slug, number = version[1], int(version[2])
    found = PolicyVersion.objects.filter(slug=slug, number=number).first()
    if found is None:
        raise loader.PolicyNotFound(f"{name}: there is no published version {number} of {slug}.")
    return found.policy
