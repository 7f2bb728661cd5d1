"""Documents that tell as much apart as a document may: a hundred clauses at random, over scopes and claim windows."""

import random

from refunds.policy.facts import VOCABULARY, Cause
from tests.refunds.policy.documents import MINIMAL

CLAUSES = 100


def text_of(seed: int, *, scopes: int, causes: int = len(Cause), windows: tuple[int, ...] = (), chance: float) -> str:
    """Return a document.

    Args:
        seed: of the random numbers.
        scopes: how many there are; each service is in one, or elsewhere.
        causes: how many kinds of causes the clauses tell apart.
        windows: claim windows in hours, for a third of the clauses.
        chance: of a fact to be named by a clause.
    """
    numbers = random.Random(seed)  # noqa: S311 - the same document each time
    ids = [f"scope-{number}" for number in range(1, scopes + 1)]
    known = [str(cause) for cause in Cause]
    groups = {
        **{fact: [[str(value)] for value in values] for fact, values in VOCABULARY.items()},
        "cause": [[cause] for cause in known[: causes - 1]] + [known[causes - 1 :]],
        "scope": [[name] for name in [*ids, "elsewhere"]],
    }
    parts = [MINIMAL.split("[[clauses]]", 1)[0]]
    parts += [
        f'[[scopes]]\nid = "{name}"\nname = "{name}"\ncategories = [{place}]\nservices = [{100 * seed + place}]\n'
        for place, name in enumerate(ids, start=1)
    ]
    for place in range(1, CLAUSES + 1):
        when = {
            fact: [value for group in numbers.sample(some, numbers.randint(1, len(some) - 1)) for value in group]
            for fact, some in groups.items()
            if numbers.random() < chance or fact == "status"
            if len(some) > 1
        }
        window = numbers.choice(windows) if windows and numbers.random() < 1 / 3 else 0
        parts.append(_clause(place, when, window, numbers.choice(["full", "undelivered", "none"])))
    return "\n".join([*parts, "[default]", MINIMAL.split("[default]", 1)[1]])


def _clause(place: int, when: dict[str, list[str]], window: int, refund: str) -> str:
    lines = [f'[[clauses]]\nid = "clause-{place}"\ngroup = "Any"']
    lines += [f"when.{fact} = {values}" for fact, values in when.items()]
    lines += [f"when.claim_window_hours = {window}"] if window else []
    said = f"{'{claim_window} ' if window else ''}{'{scope} ' if 'scope' in when else ''}"
    lines += [f'then = {{ refund = "{refund}", approval = "{"review" if place % 3 else "automatic"}" }}']
    return "\n".join([*lines, f'text = "Rule {said}."\nbecause = "of chance"\npassage = "our own"\n'])
