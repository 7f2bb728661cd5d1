"""Policy drafts in any state, brought there through the use cases, and texts of policies to write them from."""

from datetime import datetime

from panel.accounts.models import User
from refunds import drafting, publishing
from refunds.models import PolicyDraft, PolicyVersion
from tests.factories.orders import AT


def shipped(slug: str = "money-back-guarantee", *changes: tuple[str, str]) -> str:
    """Return the text of a shipped policy in which passages are replaced; each must be there exactly once."""
    text = (publishing.SHIPPED / f"{slug}.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


LONGER_REVIEW = shipped("money-back-guarantee", ("hours = [24, 48]", "hours = [24, 96]"))
"""Another document than the one in force, with one figure changed."""


def draft(author: User, text: str = LONGER_REVIEW, *, at: datetime = AT) -> PolicyDraft:
    """Return an open draft."""
    return drafting.write(staff=author, text=text, note="Longer reviews", at=at)


def checked(author: User, text: str = LONGER_REVIEW, *, at: datetime = AT) -> PolicyDraft:
    """Return a draft that passed its proof."""
    return drafting.check(draft_id=draft(author, text, at=at).pk, staff=author, at=at)


def publish(author: User, second: User, text: str = LONGER_REVIEW, *, start: datetime = AT) -> PolicyVersion:
    """Write, check and publish a policy, by two people."""
    found = checked(author, text, at=min(start, AT))
    return drafting.publish(
        draft_id=found.pk, staff=second, effective_from=start, announce=False, seen=None, at=min(start, AT)
    )
