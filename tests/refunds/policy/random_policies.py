"""Policies at random: any clauses that a document can hold, over scopes and claim windows at random."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from refunds.policy import loader
from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.document import Policy
from refunds.policy.facts import VOCABULARY
from refunds.policy.matching import Condition
from refunds.policy.scopes import Scope, Scopes
from tests.refunds.policy.documents import MINIMAL

BASE = loader.loads(MINIMAL, "shop.toml")
WINDOWS = (1, 24, 72, 720, 1000)

_SCOPES = (
    Scope("creators", "creator placements", categories=(3,), services=(12,)),
    Scope("newsletters", "newsletter spots", categories=(4,), services=(13, 14)),
    Scope("everything-there", "what is in both", categories=(3, 4), services=(12, 15)),
)


def portions() -> st.SearchStrategy[Portion]:
    """Percentages and sums, also ones that are larger than most charges."""
    return st.one_of(
        st.sampled_from([1, 250, 3333, 5000, 9999]).map(lambda points: Portion(basis_points=points)),
        st.sampled_from(["0.000001", "0.50", "3", "250.25"]).map(lambda text: Portion(sum=Decimal(text))),
    )


@st.composite
def conditions(draw: st.DrawFn, scopes: Scopes, windows: tuple[int, ...] = WINDOWS) -> Condition:
    """What a clause may ask: one to four facts, and now and then a claim window."""
    words = {fact: [str(value) for value in values] for fact, values in VOCABULARY.items()}
    if scopes.all:
        words["scope"] = list(scopes.ids)
    facts = draw(st.lists(st.sampled_from(sorted(words)), min_size=1, max_size=4, unique=True))
    named = tuple(
        (fact, tuple(draw(st.lists(st.sampled_from(words[fact]), min_size=1, unique=True)))) for fact in sorted(facts)
    )
    window = draw(st.sampled_from([None, None, None, *windows])) if windows else None
    return Condition(named, window)


@st.composite
def clauses(draw: st.DrawFn, clause_id: str, when: Condition) -> Clause:
    """One rule of any outcome."""
    refund = draw(st.sampled_from(Refund))
    some = st.none() if refund is Refund.NONE else st.one_of(st.none(), portions())
    return replace(
        BASE.default,
        id=clause_id,
        when=when,
        refund=refund,
        approval=draw(st.sampled_from(Approval)),
        cap=draw(some),
        fee=draw(some),
        keeps_undelivered=draw(st.booleans()),
    )


@st.composite
def policies(
    draw: st.DrawFn, *, most_clauses: int = 6, most_scopes: int = 2, windows: tuple[int, ...] = WINDOWS
) -> Policy:
    """A whole policy, with no clause now and then. With most_scopes=0 and no windows its space is the smallest."""
    scopes = Scopes(draw(st.lists(st.sampled_from(_SCOPES), max_size=most_scopes, unique=True)) if most_scopes else ())
    whens = draw(st.lists(conditions(scopes, windows), max_size=most_clauses))
    return replace(
        BASE,
        scopes=scopes,
        clauses=tuple(draw(clauses(f"clause-{place}", when)) for place, when in enumerate(whens, start=1)),
        default=draw(clauses("default", Condition())),
    )
