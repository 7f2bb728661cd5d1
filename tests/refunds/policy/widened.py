"""A shipped policy with rules of every new kind in front: scopes, claim windows, refills, caps and fees."""

import re

from refunds.policy import loader
from refunds.policy.document import Policy

CREATORS = 3
"""A category of the scope `creators`."""

NEWSLETTER = 12
"""A service of the scope `newsletters`."""

_SCOPES = """
[[scopes]]
id = "newsletters"
name = "newsletter spots"
services = [{services}]

[[scopes]]
id = "creators"
name = "creator placements"
categories = [{categories}]

"""

_CLAUSES = """
[[clauses]]
id = "placed-again-first"
group = "Creator placements"
when.scope = ["creators"]
when.status = ["completed"]
when.cause = ["dropped"]
when.initiator = ["customer"]
when.refill = ["available", "running"]
then = { refund = "none", approval = "automatic" }
text = "What goes away of {scope} is placed again first: ask for a refill."
because = "a placement that went away is placed again first"
passage = "our own"

[[clauses]]
id = "taken-down"
group = "Creator placements"
when.scope = ["creators"]
when.status = ["completed"]
when.cause = ["dropped"]
when.initiator = ["customer"]
when.claim_window_hours = 72
then = { refund = "full", approval = "review", cap = "50 %", fee = "0.50" }
text = "What goes away of {scope} within {claim_window} of the end: at most {cap} comes back, less {fee}."
because = "the placement went away soon after the end"
passage = "our own"

[[clauses]]
id = "taken-down-late"
group = "Creator placements"
when.scope = ["creators"]
when.status = ["completed"]
when.cause = ["dropped"]
when.initiator = ["customer"]
then = { refund = "none", approval = "automatic" }
text = "What goes away of {scope} later than that is not refunded."
because = "the placement went away too long after the end"
passage = "our own"

[[clauses]]
id = "creators-partly"
group = "Creator placements"
when.scope = ["creators"]
when.terms = ["standard"]
when.status = ["partial", "canceled"]
when.cause = ["cannot_complete"]
when.initiator = ["provider", "staff", "system"]
then = { refund = "undelivered", approval = "automatic", fee = "5 %", keeps_undelivered = true }
text = "Some of {scope} can't be had: what was not delivered is refunded, less {fee}."
because = "not all of the placements could be had"
passage = "our own"

[[clauses]]
id = "sold-out"
group = "Newsletter spots"
when.scope = ["newsletters"]
when.status = ["partial", "canceled"]
when.cause = ["cannot_complete", "not_started"]
when.initiator = ["provider", "staff", "system"]
then = { refund = "undelivered", approval = "automatic", cap = "10.00", keeps_undelivered = true }
text = "What can't be had of {scope} is refunded, at most {cap}."
because = "the newsletter was sold out"
passage = "our own"

"""


def text_of(slug: str, *, categories: str = str(CREATORS), services: str = str(NEWSLETTER)) -> str:
    """Return a shipped document with scopes and their rules in front of its own, and without its examples."""
    own = without_examples((loader.SHIPPED / f"{slug}.toml").read_text(encoding="utf-8"))
    before, first, rest = own.partition("[[clauses]]\n")
    scopes = _SCOPES.replace("{services}", services).replace("{categories}", categories)
    return f"{before}{scopes}{_CLAUSES}{first}{rest}"


def without_examples(text: str) -> str:
    """Return a document without its examples, which tell of the rules as they are in it."""
    return re.split(r"^(?:# --- Examples|\[\[examples\]\])", text, maxsplit=1, flags=re.MULTILINE)[0]


def policy_of(slug: str) -> Policy:
    """Return the policy that `text_of` is."""
    return loader.loads(text_of(slug), f"{slug}.toml")


WIDENED = policy_of("money-back-guarantee")
