"""The demo's policy draft: one change, proved, tried on past orders, and waiting for a second person."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from panel.accounts.models import User
from refunds import drafting, publishing
from refunds.backtesting import running, runs
from refunds.models import PolicyDraft, PolicyVersion
from refunds.policy import analysis, facts, loader

NOTE: Final = "Promoted reach: a twentieth is kept of what comes back when an order ends as partial"

_SCOPE: Final = """\
[[scopes]]
id = "reach"
name = "promoted reach"
categories = [{category}]

"""
_CLAUSE: Final = """\
[[clauses]]
id = "reach-cut-short"
group = "What was not delivered is refunded"
when.status = ["partial"]
when.initiator = ["provider", "staff", "system"]
when.scope = ["reach"]
then = { refund = "undelivered", approval = "automatic", fee = "5 %", keeps_undelivered = true }
text = "For {scope} that ends before all of it is delivered, the rest is refunded less {fee}."
because = "the order ended before all of it was delivered"
passage = "our own"

"""


def _texts(version: PolicyVersion, category: int) -> Iterator[str]:
    """Yield the policy with the clause before all others, and before the one that it is an exception of."""
    partial = facts.Facts(
        facts.Status.PARTIAL, facts.Delivery.SOME, facts.Cause.CANNOT_COMPLETE, facts.Initiator.PROVIDER
    )
    usual = version.policy.rules[version.policy.matcher.first(partial)].id
    scope = _SCOPE.replace("{category}", str(category))
    text = version.text.replace("[[clauses]]\n", f"{scope}[[clauses]]\n", 1)
    yield text.replace("[[clauses]]\n", f"{_CLAUSE}[[clauses]]\n", 1)
    yield text.replace(f'[[clauses]]\nid = "{usual}"\n', f'{_CLAUSE}[[clauses]]\nid = "{usual}"\n', 1)


def load(users: Mapping[str, User], *, category: int, now: datetime) -> None:
    """Write, check and try the draft unless there is one already."""
    if PolicyDraft.objects.exists():
        return
    author, version = users["staff"], publishing.version_in_force(now)
    sound = (text for text in _texts(version, category) if analysis.prove(loader.loads(text, version.slug)).passed)
    text = next(sound)
    draft = drafting.write(staff=author, text=text, note=NOTE, based_on=version, at=now)
    drafting.check(draft_id=draft.pk, staff=author, at=now)
    runs.ask(draft_id=draft.pk, since=running.LONG_AGO, until=now, staff=author, at=now)
    while runs.carry_out_next(at=now):
        pass
