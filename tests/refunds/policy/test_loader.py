import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from panel.kernel.errors import Refused
from refunds.policy import loader
from refunds.policy.clauses import Approval, Refund
from refunds.policy.facts import Status
from refunds.policy.loader import PolicyInvalid, PolicyNotFound
from tests.refunds.policy.documents import MINIMAL, SHIPPED_FILES, minimal_with


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")
    assert isinstance(refusal.value, Refused)
    assert str(refusal.value) == "\n".join(refusal.value.problems)
    return refusal.value.problems


def test_reads_every_part_of_a_document() -> None:
    policy = loader.loads(MINIMAL, "shop.toml")

    assert (policy.slug, policy.title, policy.updated) == ("corner-shop", "Corner shop", date(2026, 1, 31))
    assert [clause.id for clause in policy.rules] == ["dropped-out", "partly", "default"]
    first = policy.clauses[0]
    assert first.when.values == (("status", ("canceled",)), ("cause", ("dropped", "correction")))
    assert (first.refund, first.approval, first.because) == (Refund.FULL, Approval.REVIEW, "it dropped")
    assert (first.group, first.text, first.passage) == ("Refunded", "What drops comes back.", "notebook, page 1")
    assert policy.default.when.is_empty
    assert policy.customer_cancellation == (Status.PENDING,)
    assert policy.cancel_requests == ()
    assert (policy.withdrawals.minimum, policy.withdrawals.verify_above) == (Decimal("5.000000"), Decimal(100))
    assert policy.withdrawals.business_days == (3, 5)
    assert policy.review.hours == (24, 48)
    assert policy.contact.response_hours == 24
    assert policy.sections[0].steps == ("One step.",)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            '["dropped", "correction"]',
            '["dropt"]',
            "shop.toml: clause 'dropped-out': when.cause: 'dropt' is not a cause; did you mean 'dropped'? (allowed: ",
        ),
        (
            '["dropped", "correction"]',
            '["zzz"]',
            "shop.toml: clause 'dropped-out': when.cause: 'zzz' is not a cause; allowed: not_started, ",
        ),
        ('["dropped", "correction"]', "[]", "clause 'dropped-out': when.cause: the list is empty; name at least 1 of "),
        ('["dropped", "correction"]', "[7]", "clause 'dropped-out': when.cause: 7 is not a cause; allowed: "),
        (
            '["dropped", "correction"]',
            '"dropped"',
            "clause 'dropped-out': when.cause: must be a list of any of not_started, ",
        ),
        (
            '["dropped", "correction"]',
            '["dropped", "dropped"]',
            "clause 'dropped-out': when.cause: 'dropped' is listed twice",
        ),
        ('when.cause = ["dropped"', 'when.couse = ["dropped"', "when.couse: unknown key; did you mean 'cause'? (allow"),
        (
            '{ status = ["partial", "canceled"] }',
            "{}",
            "clause 'partly': when: covers everything; name at least one fact",
        ),
        (
            'when = { status = ["partial", "canceled"] }\n',
            "",
            "shop.toml: clause 'partly': when: is missing; it must be a table [when]",
        ),
        (
            'refund = "undelivered"',
            'refund = "half"',
            "clause 'partly': then.refund: 'half' is not a refund; allowed: full, undelivered, none",
        ),
        (
            'approval = "review"',
            'approval = "reviewed"',
            "then.approval: 'reviewed' is not an approval; did you mean 'review'? (allowed: automatic, review)",
        ),
        (', approval = "review"', "", "clause 'dropped-out': then.approval: is missing; it must be one of automatic, "),
        (
            'id = "partly"',
            'id = "dropped-out"',
            "shop.toml: clause 'dropped-out': id: is used by 2 clauses; each needs its own",
        ),
        ('id = "partly"', 'id = "Partly_1"', "clause 'Partly_1': id: 'Partly_1' is not an id: write lower-case "),
        ('id = "partly"\n', "", "shop.toml: clause 2: id: is missing; it must be a text in quotation marks"),
        ('id = "partly"', 'id = "default"', "clause 'default': id: is kept for the table [default]; choose another"),
        ('text = "What is missing comes back."\n', "", "clause 'partly': text: is missing; it must be a text"),
        ('text = "What is missing comes back."', 'text = "  "', "clause 'partly': text: is blank"),
        ('because = "it dropped"', 'because = "it dropped."', "'dropped-out': because: is the end of a sentence; leav"),
        ('passage = "notebook, page 2"', "page = 2", "clause 'partly': page: unknown key; "),
        ("How {panel} refunds.", "How {pannel} refunds.", "introduction: '{pannel}' can't be filled in here; allowed:"),
        ("How {panel} refunds.", "How {PANEL} refunds.", "introduction: has a stray brace; braces are for placeholde"),
        ("How {panel} refunds.", "How\\u0007 refunds.", "shop.toml: introduction: has a control character"),
        ('title = "Corner shop"', f'title = "{"x" * 201}"', "shop.toml: title: has 201 characters; at most 200 are al"),
        ("updated = 2026-01-31", 'updated = "2026-01-31"', "shop.toml: updated: must be a date without quotation mar"),
        ("updated = 2026-01-31", "updated = 2026-01-31T10:00:00", "shop.toml: updated: must be a date without"),
        ('slug = "corner-shop"', 'slug = "Corner Shop"', "shop.toml: slug: 'Corner Shop' is not an id"),
        ('slug = "corner-shop"', 'slug = "corner-shop"\nslogan = "x"', "shop.toml: slogan: unknown key; "),
        (
            '["pending"]',
            '["completed"]',
            "shop.toml: customer_cancellation: 'completed' can't be here; allowed: pending",
        ),
        ("cancel_requests = []", 'cancel_requests = ["pending"]', "cancel_requests: 'pending' can't be here; allowed:"),
        (
            "allowed = true",
            "allowed = 1",
            "shop.toml: withdrawals.allowed: must be true or false, not a whole number (1",
        ),
        ("allowed = true", "allowed = false", "withdrawals.minimum: must be left out when allowed is false"),
        ("allowed = true", "allowed = false", "destination: must be 'balance' when allowed is false"),
        (
            'minimum = "5.00"',
            "minimum = 5.00",
            "withdrawals.minimum: must be an amount of money in quotation marks, su",
        ),
        ('minimum = "5.00"', 'minimum = "5,00"', "withdrawals.minimum: '5,00' is not an amount"),
        ('minimum = "5.00"', 'minimum = "-5"', "withdrawals.minimum: '-5' is not an amount"),
        ('minimum = "5.00"', 'minimum = "1e3"', "withdrawals.minimum: '1e3' is not an amount"),
        ('minimum = "5.00"', 'minimum = "NaN"', "withdrawals.minimum: 'NaN' is not an amount"),
        ('minimum = "5.00"', 'minimum = "\u0661\u0660"', "withdrawals.minimum: '\u0661\u0660' is not an amount"),
        ("[3, 5]", "[5, 3]", "withdrawals.business_days: [5, 3] is not a pair of whole numbers [from, to]"),
        ("[3, 5]", "[true, 5]", "withdrawals.business_days: [True, 5] is not a pair of whole numbers [from, to]"),
        ("[24, 48]", "24", "shop.toml: review.hours: must be a pair of whole numbers [from, to] with 0 <= from <= to"),
        (
            "response_hours = 24",
            "response_hours = true",
            "contact.response_hours: must be a whole number, not true or f",
        ),
        ("response_hours = 24", "response_hours = 0", "contact.response_hours: 0 is too small: at least 1"),
        (
            'on_loss = "ban"',
            'on_loss = "bann"',
            "chargebacks.on_loss: 'bann' is not an answer to a lost chargeback; did",
        ),
        (
            'points = ["One point."]',
            "points = [1]",
            "section 'thanks': points: must be a list of texts; 1 is a whole numb",
        ),
        ('points = ["One point."]', 'points = ["{x}"]', "section 'thanks': points: '{x}' can't be filled in here"),
    ],
)
def test_names_file_clause_key_and_what_is_allowed(old: str, new: str, problem: str) -> None:
    problems = problems_of(minimal_with(old, new))

    assert all(found.startswith("shop.toml: ") for found in problems)
    assert any(problem in found for found in problems), problems


def test_refuses_a_document_without_a_default() -> None:
    text = MINIMAL[: MINIMAL.index("[default]")] + MINIMAL[MINIMAL.index("[withdrawals]") :]

    assert problems_of(text) == ("shop.toml: default: is missing; it must be a table [default]",)


def test_refuses_a_default_that_asks_for_facts() -> None:
    (problem,) = problems_of(minimal_with("[default]\n", '[default]\nwhen.status = ["partial"]\n'))

    assert problem.startswith("shop.toml: [default]: when: unknown key; ")


def test_reports_all_problems_at_once() -> None:
    text = MINIMAL.replace('"dropped", ', '"dropt", ').replace("[24, 48]", "[48, 24]").replace('"ban"', '"burn"')

    problems = problems_of(text)

    assert len(problems) == 3
    assert [problem.split(": ")[1:3] for problem in problems] == [
        ["clause 'dropped-out'", "when.cause"],
        ["review.hours", "[48, 24] is not a pair of whole numbers [from, to] with 0 <= from <= to and to above 0"],
        ["chargebacks.on_loss", "'burn' is not an answer to a lost chargeback; allowed"],
    ]


def test_an_empty_document_lacks_every_part() -> None:
    problems = problems_of("")

    missing = {problem.split(": ")[1] for problem in problems}
    assert missing == {
        *("slug", "title", "updated", "summary", "introduction", "customer_cancellation", "cancel_requests"),
        *("clauses", "default", "withdrawals", "review", "chargebacks", "contact"),
    }


def test_bad_syntax_is_given_with_line_and_column() -> None:
    (problem,) = problems_of('slug = "x"\ntitle "y"\n')

    assert problem.startswith("shop.toml: not a TOML document: ")
    assert "line 2, column 7" in problem


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 5000, 'a = "\ud800"', "\ufeffslug = 1"])
def test_hostile_text_is_a_problem_and_not_a_crash(text: str) -> None:
    (problem,) = problems_of(text)

    assert problem.startswith(("shop.toml: not a TOML document: ", "shop.toml: no policy needs: "))


@pytest.mark.parametrize("text", ["clauses = 1", "clauses = [1]", "clauses = [[]]", "default = []", "sections = {}"])
def test_a_part_of_the_wrong_shape_is_a_problem_and_not_a_crash(text: str) -> None:
    key = text.split(" ", maxsplit=1)[0]

    assert any(problem.startswith(f"shop.toml: {key}: must be ") for problem in problems_of(text))


def test_hash_is_of_the_utf8_text() -> None:
    assert loader.loads(MINIMAL, "shop.toml").hash == hashlib.sha256(MINIMAL.encode()).hexdigest()


def test_hash_does_not_depend_on_how_lines_end_or_on_the_file_name() -> None:
    stored = loader.loads(MINIMAL, "shop.toml")
    windows = loader.loads(MINIMAL.replace("\n", "\r\n"), "elsewhere.toml")

    assert windows.hash == stored.hash
    assert windows.text == stored.text == MINIMAL


def test_hash_changes_with_any_other_character() -> None:
    assert loader.loads(MINIMAL + "# \n", "shop.toml").hash != loader.loads(MINIMAL, "shop.toml").hash


def test_reads_a_file_and_names_it_in_problems(tmp_path: Path) -> None:
    path = tmp_path / "corner.toml"
    path.write_text(minimal_with('"ban"', '"burn"'), encoding="utf-8")

    with pytest.raises(PolicyInvalid, match=r"^corner\.toml: chargebacks\.on_loss: 'burn'"):
        loader.load_file(path)


def test_refuses_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'slug = "x"\ntitle = "caf\xe9"\n')

    with pytest.raises(PolicyInvalid, match=r"^latin\.toml: not UTF-8: a wrong byte at line 2$"):
        loader.load_file(path)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyNotFound, match="No such file"):
        loader.load_file(tmp_path / "nowhere.toml")


def test_shipped_policies_are_found_by_slug() -> None:
    assert loader.shipped_slugs() == ("money-back-guarantee", "panel-credit-only")
    for path in SHIPPED_FILES:
        assert loader.load_shipped(path.stem).slug == path.stem


def test_an_unknown_shipped_policy_is_answered_with_those_there_are() -> None:
    with pytest.raises(PolicyNotFound, match="there are: money-back-guarantee, panel-credit-only"):
        loader.load_shipped("../secrets")
