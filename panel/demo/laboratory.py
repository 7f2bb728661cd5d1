"""The demo's policy draft: one change, proved, tried on past orders, and waiting for a second person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from panel.accounts.models import User
from refunds import drafting, publishing
from refunds.backtesting import running, runs
from refunds.models import PolicyDraft

NOTE: Final = "Promoted reach: a twentieth is kept of what comes back when an order ends as partial"

# Before the first clause, so that it goes with both policies that ship.
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


def load(users: Mapping[str, User], *, category: int, now: datetime) -> None:
    """Write, check and try the draft unless there is one already."""
    if PolicyDraft.objects.exists():
        return
    author, version = users["staff"], publishing.version_in_force(now)
    text = version.text.replace(
        "[[clauses]]\n", _SCOPE.replace("{category}", str(category)) + _CLAUSE + "[[clauses]]\n", 1
    )
    draft = drafting.write(staff=author, text=text, note=NOTE, based_on=version, at=now)
    drafting.check(draft_id=draft.pk, staff=author, at=now)
    runs.ask(draft_id=draft.pk, since=running.LONG_AGO, until=now, staff=author, at=now)
    while runs.carry_out_next(at=now):
        pass
