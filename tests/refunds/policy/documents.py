"""A small valid policy document for tests to change."""

from pathlib import Path

from refunds.policy import loader

MONEY_BACK = loader.load_shipped("money-back-guarantee")
CREDIT_ONLY = loader.load_shipped("panel-credit-only")
SHIPPED = (MONEY_BACK, CREDIT_ONLY)
SHIPPED_FILES = tuple(sorted(Path(loader.SHIPPED).glob("*.toml")))

MINIMAL = """\
slug = "corner-shop"
title = "Corner shop"
updated = 2026-01-31
summary = "Short and fair."
introduction = "How {panel} refunds."
customer_cancellation = ["pending"]
cancel_requests = []

[[clauses]]
id = "dropped-out"
group = "Refunded"
when.status = ["canceled"]
when.cause = ["dropped", "correction"]
then = { refund = "full", approval = "review" }
text = "What drops comes back."
because = "it dropped"
passage = "notebook, page 1"

[[clauses]]
id = "partly"
group = "Refunded"
when = { status = ["partial", "canceled"] }
then = { refund = "undelivered", approval = "automatic" }
text = "What is missing comes back."
because = "a part is missing"
passage = "notebook, page 2"

[default]
group = "Not refunded"
then = { refund = "none", approval = "automatic" }
text = "All else stays."
because = "nothing else is refunded"
passage = "notebook, page 3"

[withdrawals]
allowed = true
destination = "original_method"
minimum = "5.00"
verify_above = "100"
business_days = [3, 5]
alternative_method = false
title = "Taking it home"
text = "From {minimum}, within {business_days} days; above {verify_above} we look."
passage = "notebook, page 4"

[review]
hours = [24, 48]
title = "Review"
text = "Within {hours} hours."
passage = "notebook, page 5"

[chargebacks]
on_open = "suspend"
on_loss = "ban"
on_win = "lift"
fee = "none"
contest = "never"
title = "Chargebacks"
text = "Talk to us first."
passage = "notebook, page 6"

[contact]
response_hours = 24
title = "Contact"
text = "Write to {email}; we answer within {response_hours} hours."
passage = "notebook, page 7"

[[sections]]
id = "thanks"
title = "Thanks"
text = "Thank you."
points = ["One point."]
steps = ["One step."]
passage = "notebook, page 8"
"""

BASE_WHEN = 'when = { status = ["partial", "canceled"] }'
"""What the second clause covers, for tests to replace."""

ABUSE = """\
[abuse]
window_days = 30
rate_percent = 50
rate_least = 4
same_link = 3
soon_hours = 12
soon_claims = 2
title = "Too often"
text = "{panel} counts requests and may look twice."
passage = "notebook, page 9"

"""
"""A part that a document may leave out; `with_abuse` puts it in."""


def with_abuse(old: str = "", new: str = "") -> str:
    """Return the minimal document with the abuse part, in which one passage may be replaced."""
    assert not old or ABUSE.count(old) == 1, old
    return minimal_with("[chargebacks]\n", f"{ABUSE.replace(old, new) if old else ABUSE}[chargebacks]\n")


def minimal_with(old: str, new: str) -> str:
    """Return the minimal document with one passage replaced; it must be there exactly once."""
    assert MINIMAL.count(old) == 1, old
    return MINIMAL.replace(old, new)
