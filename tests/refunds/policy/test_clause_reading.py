"""Scopes, claim windows, caps, fees and what else a clause may say: what is read, and each problem in its words."""

from decimal import Decimal

import pytest

from refunds.policy import loader
from refunds.policy.clauses import Portion
from refunds.policy.loader import PolicyInvalid
from refunds.policy.scopes import Scope
from tests.refunds.policy.documents import MINIMAL
from tests.refunds.policy.widened import WIDENED

SHELF = '[[scopes]]\nid = "shelf"\nname = "the shelf"\ncategories = [3]\nservices = [12, 15]\n\n'
THEN = 'then = { refund = "undelivered", approval = "automatic" }'
A_PART = 'a percentage or an amount of money in quotation marks, such as "12.5 %" or "0.50"'


def document(*changes: tuple[str, str], scopes: str = "") -> str:
    """Return the minimal document with scopes put in and passages replaced; each must be there exactly once."""
    text = MINIMAL.replace("[[clauses]]\n", f"{scopes}[[clauses]]\n", 1)
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")
    return refusal.value.problems


def problems_of_then(then: str) -> tuple[str, ...]:
    """Return the problems of the clause `partly` with something more in its `then`."""
    return problems_of(document((THEN, THEN.replace(" }", f", {then} }}"))))


def problems_of_condition(when: str, *, text: str = "", scopes: str = "") -> tuple[str, ...]:
    """Return the problems of the clause `partly` with another condition, and more in its text."""
    return problems_of(
        document(
            ('when = { status = ["partial", "canceled"] }', when),
            ("What is missing comes back.", f"What is missing comes back.{text}"),
            scopes=scopes,
        )
    )


def test_reads_scopes_windows_caps_and_fees() -> None:
    newsletters, creators = WIDENED.scopes.all
    taken_down, partly, sold_out = (WIDENED.clause(name) for name in ("taken-down", "creators-partly", "sold-out"))

    assert newsletters == Scope("newsletters", "newsletter spots", (), (12,))
    assert creators == Scope("creators", "creator placements", (3,), ())
    assert taken_down.when.claim_window_hours == 72
    assert taken_down.when.values[-1] == ("scope", ("creators",))
    assert (taken_down.cap, taken_down.fee) == (Portion(basis_points=5000), Portion(sum=Decimal("0.500000")))
    assert (partly.cap, partly.fee, partly.keeps_undelivered) == (None, Portion(basis_points=500), True)
    assert (sold_out.cap, sold_out.fee) == (Portion(sum=Decimal("10.000000")), None)


def test_a_document_without_scopes_has_none() -> None:
    policy = loader.loads(MINIMAL, "shop.toml")

    assert policy.scopes.all == ()
    assert policy.scopes.ids == ("elsewhere",)
    assert not policy.clause("partly").keeps_undelivered


def test_a_clause_may_be_about_what_no_scope_names() -> None:
    text = document(
        ('when = { status = ["partial", "canceled"] }', 'when.scope = ["elsewhere"]'),
        ("What is missing comes back.", "What is missing of {scope} comes back."),
        scopes=SHELF,
    )

    assert loader.loads(text, "shop.toml").clause("partly").when.values == (("scope", ("elsewhere",)),)


@pytest.mark.parametrize("written", ['"50%"', '"50 %"', '" 50 % "', '"50.0 %"', '"50.00%"'])
def test_a_percentage_may_be_written_with_blanks_and_decimals(written: str) -> None:
    text = document(
        (THEN, THEN.replace(" }", f", cap = {written} }}")),
        ("What is missing comes back.", "What is missing comes back, at most {cap}."),
    )

    assert loader.loads(text, "shop.toml").clause("partly").cap == Portion(basis_points=5000)


@pytest.mark.parametrize(
    ("scopes", "problem"),
    [
        (SHELF.replace('id = "shelf"\n', ""), "scope 1: id: is missing; it must be a text in quotation marks"),
        (
            SHELF.replace('"shelf"', '"elsewhere"'),
            "scope 'elsewhere': id: means every service that no scope names; choose another",
        ),
        (SHELF.replace('name = "the shelf"\n', ""), "scope 'shelf': name: is missing; it must be a text in quotation "),
        (SHELF.replace("the shelf", "{panel}"), "scope 'shelf': name: '{panel}' can't be filled in here; allowed: no"),
        (SHELF.replace("[3]", "3"), "scope 'shelf': categories: must be a list of whole numbers, not a whole number ("),
        (
            SHELF.replace("[3]", '["3"]'),
            "scope 'shelf': categories: must be a list of whole numbers; '3' is a text",
        ),
        (
            SHELF.replace("[3]", "[true]"),
            "scope 'shelf': categories: must be a list of whole numbers; True is true or false",
        ),
        (SHELF.replace("[3]", "[3, 3]"), "scope 'shelf': categories: 3 is listed twice"),
        (SHELF.replace("[3]", "[0]"), "scope 'shelf': categories: 0 is not a number of the catalog"),
        (SHELF.replace("[12, 15]", "[-1]"), "scope 'shelf': services: -1 is not a number of the catalog"),
        (
            SHELF.replace("[12, 15]", f"[{2**63}]"),
            "scope 'shelf': services: 9223372036854775808 is not a number of the catalog",
        ),
        (
            '[[scopes]]\nid = "shelf"\nname = "the shelf"\n\n',
            "scope 'shelf': names nothing; give categories, services or both",
        ),
        (SHELF.replace("categories", "category"), "scope 'shelf': category: unknown key; did you mean 'categories'? "),
        (SHELF * 2, "scope 'shelf': id: is used by 2 scopes; each needs its own"),
        (
            "".join(SHELF.replace("shelf", f"shelf-{n}") for n in range(9)),
            "scopes: has 9 scopes; at most 8 are allowed",
        ),
        (
            SHELF.replace("[3]", str(list(range(1, 100)))),
            "scopes: name 101 categories and services together; at most 100 are allowed",
        ),
    ],
)
def test_names_what_is_wrong_with_a_scope(scopes: str, problem: str) -> None:
    found = problems_of(document(scopes=scopes))

    assert len(found) == 1
    assert found[0].startswith(f"shop.toml: {problem}")


def test_scopes_that_are_no_list_of_tables_are_a_problem() -> None:
    assert problems_of(f"scopes = 3\n{MINIMAL}") == (
        "shop.toml: scopes: must be a list of tables, each starting with [[scopes]], not a whole number (3)",
    )


@pytest.mark.parametrize(
    ("when", "problems"),
    [
        (
            'when.scope = ["shelff"]',
            ["when.scope: 'shelff' is not a scope of this document; did you mean 'shelf'? (allowed: shelf, elsewhere)"],
        ),
        ("when.scope = []", ["when.scope: the list is empty; name at least one of shelf, elsewhere"]),
        ('when.scope = "shelf"', ["when.scope: must be a list of texts, not a text ('shelf')"]),
        ("when.scope = [3]", ["when.scope: must be a list of texts; 3 is a whole number"]),
        ('when.scope = ["shelf", "shelf"]', ["when.scope: 'shelf' is listed twice"]),
    ],
)
def test_names_what_is_wrong_with_the_scope_of_a_clause(when: str, problems: list[str]) -> None:
    found = problems_of_condition(when, text=" In {scope}.", scopes=SHELF)

    assert list(found) == [f"shop.toml: clause 'partly': {problem}" for problem in problems]


def test_a_clause_can_name_no_scope_where_the_document_has_none() -> None:
    assert problems_of_condition('when.scope = ["shelf"]', text=" In {scope}.") == (
        "shop.toml: clause 'partly': when.scope: 'shelf' is not a scope of this document; allowed: elsewhere",
    )


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("0", "0 is too small: at least 1"),
        ("8761", "8761 is too large: at most 8760"),
        ("72.0", "must be a whole number, not a number with a point (72.0)"),
        ('"72"', "must be a whole number, not a text ('72')"),
        ("true", "must be a whole number, not true or false (True)"),
    ],
)
def test_names_what_is_wrong_with_a_claim_window(window: str, problem: str) -> None:
    found = problems_of_condition(
        f'when = {{ status = ["completed"], claim_window_hours = {window} }}', text=" {claim_window}"
    )

    # What isn't a number at all is no window either, so that the text's placeholder is read as one of a window.
    assert f"shop.toml: clause 'partly': when.claim_window_hours: {problem}" in found
    assert len(found) == 1


def test_more_than_four_claim_windows_are_too_many() -> None:
    clause = MINIMAL[MINIMAL.index('[[clauses]]\nid = "partly"') : MINIMAL.index("[default]")]
    windowed = clause.replace("status =", "claim_window_hours = 24, status =").replace("comes", "{claim_window}")
    more = "".join(windowed.replace("partly", f"partly-{hours}").replace("24", str(hours)) for hours in range(24, 29))

    assert problems_of(document((clause, more))) == (
        "shop.toml: clauses: name 5 different claim windows (24, 25, 26, 27, 28 hours); at most 4 are allowed",
    )


def test_more_than_a_hundred_clauses_are_too_many() -> None:
    clause = MINIMAL[MINIMAL.index('[[clauses]]\nid = "partly"') : MINIMAL.index("[default]")]

    assert problems_of(document((clause, "".join(clause.replace("partly", f"partly-{n}") for n in range(100))))) == (
        "shop.toml: clauses: has 101 clauses; at most 100 are allowed",
    )


@pytest.mark.parametrize(
    ("then", "problem"),
    [
        ("cap = 5", f"then.cap: must be {A_PART}, not a whole number (5)"),
        ("cap = 0.5", f"then.cap: must be {A_PART}, not a number with a point (0.5)"),
        ('cap = "half"', "then.cap: 'half' is not an amount: use digits and at most 6 decimals, such as 12.50"),
        ('cap = "-1"', "then.cap: '-1' is not an amount: use digits and at most 6 decimals, such as 12.50"),
        ('fee = "0.00"', "then.fee: is nothing; leave it out instead"),
        *(
            (
                f'fee = "{wrong}"',
                f"then.fee: '{wrong}' is not {A_PART}; a percentage has at most two decimals and is below 100 %",
            )
            for wrong in ("0 %", "100 %", "101 %", "-5 %", "2.555 %", "1e1 %", "%", "\u0665 %")
        ),
    ],
)
def test_names_what_is_wrong_with_a_cap_or_a_fee(then: str, problem: str) -> None:
    name = then.partition(" ")[0]
    found = problems_of(
        document(
            (THEN, THEN.replace(" }", f", {then} }}")),
            ("What is missing comes back.", f"What is missing comes back, {{{name}}}."),
        )
    )

    assert found == (f"shop.toml: clause 'partly': {problem}",)


@pytest.mark.parametrize("name", ["cap", "fee"])
def test_nothing_can_be_taken_from_no_refund(name: str) -> None:
    text = document(
        ('refund = "none", approval = "automatic" }', f'refund = "none", approval = "automatic", {name} = "5 %" }}'),
        ("All else stays.", f"All else stays, {{{name}}}."),
    )

    assert problems_of(text) == (
        f"shop.toml: [default]: then.{name}: has nothing to be taken from: the refund is 'none'",
    )


def test_keeping_undelivered_money_is_said_by_true_or_false() -> None:
    assert problems_of_then('keeps_undelivered = "yes"') == (
        "shop.toml: clause 'partly': then.keeps_undelivered: must be true or false, not a text ('yes')",
    )


def test_an_unknown_consequence_is_a_problem() -> None:
    (problem,) = problems_of_then('capp = "5.00"')

    assert problem == (
        "shop.toml: clause 'partly': then.capp: unknown key; did you mean 'cap'?"
        " (allowed: approval, cap, fee, keeps_undelivered, refund)"
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cap", (THEN, THEN.replace(" }", ', cap = "5.00" }'))),
        ("fee", (THEN, THEN.replace(" }", ', fee = "5 %" }'))),
        ("claim_window", ('{ status = ["partial", "canceled"] }', "{ claim_window_hours = 72 }")),
        ("scope", ('{ status = ["partial", "canceled"] }', '{ scope = ["shelf"] }')),
    ],
)
def test_customers_must_read_of_what_a_clause_has_beside_its_facts(name: str, change: tuple[str, str]) -> None:
    silent = document(change, scopes=SHELF)
    telling = document(change, ("What is missing comes back.", f"What is missing comes back. {{{name}}}"), scopes=SHELF)

    assert problems_of(silent) == (
        f"shop.toml: clause 'partly': text: must say {{{name}}}, so that customers read of it",
    )
    assert loader.loads(telling, "shop.toml").clause("partly").text.endswith(f"{{{name}}}")


@pytest.mark.parametrize("name", ["cap", "fee", "claim_window", "scope"])
def test_a_text_can_say_only_what_its_clause_has(name: str) -> None:
    found = problems_of(document(("What is missing comes back.", f"What is missing comes back. {{{name}}}")))

    assert found == (f"shop.toml: clause 'partly': text: '{{{name}}}' can't be filled in here; allowed: {{panel}}",)
