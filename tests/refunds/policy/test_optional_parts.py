"""What a policy may leave out: the limit for a second person, and the measuring of requests."""

from decimal import Decimal

import pytest

from refunds.policy import engine, loader, page
from refunds.policy.clauses import Approval, Refund
from refunds.policy.document import Abuse, Policy
from refunds.policy.facts import Amounts, Delivery, Standing
from refunds.policy.loader import PolicyInvalid
from refunds.policy.space import space
from tests.refunds.policy.documents import CREDIT_ONLY, MINIMAL, MONEY_BACK, SHIPPED, minimal_with, with_abuse

IN_DOUBT = (Standing.ABUSE_FLAGGED, Standing.FRAUD_SUSPECTED)


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")
    return refusal.value.problems


def sections_of(policy: Policy) -> dict[str, page.PageSection]:
    built = page.build(policy, panel="Corner", currency="USD", email="help@corner.example")
    return {section.anchor: section for section in built.sections}


def test_a_document_published_before_these_parts_existed_still_loads() -> None:
    policy = loader.loads(MINIMAL, "shop.toml")

    assert (policy.review.confirm_above, policy.abuse) == (None, None)
    assert "abuse" not in sections_of(policy)


def test_reads_the_limit_above_which_a_second_person_confirms() -> None:
    policy = loader.loads(minimal_with("hours = [24, 48]", 'hours = [24, 48]\nconfirm_above = "250.50"'), "shop.toml")

    assert policy.review.confirm_above == Decimal("250.50")


def test_a_limit_of_nothing_lets_a_second_person_confirm_every_refund() -> None:
    policy = loader.loads(minimal_with("hours = [24, 48]", 'hours = [24, 48]\nconfirm_above = "0"'), "shop.toml")

    assert policy.review.confirm_above == Decimal(0)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("100", 'must be an amount of money in quotation marks, such as "5.00", not a whole number (100)'),
        ('"a lot"', "'a lot' is not an amount"),
        ('"-1"', "'-1' is not an amount"),
    ],
)
def test_refuses_a_limit_that_is_no_amount(value: str, problem: str) -> None:
    (found,) = problems_of(minimal_with("hours = [24, 48]", f"hours = [24, 48]\nconfirm_above = {value}"))

    assert found.startswith(f"shop.toml: review.confirm_above: {problem}")


def test_reads_what_is_measured() -> None:
    assert loader.loads(with_abuse(), "shop.toml").abuse == Abuse(
        window_days=30,
        rate_percent=50,
        rate_least=4,
        same_link=3,
        soon_hours=12,
        soon_claims=2,
        title="Too often",
        text="{panel} counts requests and may look twice.",
        passage="notebook, page 9",
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("window_days = 30", "window_days = 0", "window_days: 0 is too small: at least 1"),
        ("window_days = 30", "window_days = 366", "window_days: 366 is too large: at most 365"),
        ("window_days = 30", "window_days = 30.0", "window_days: must be a whole number, not a number with a point"),
        ("rate_percent = 50", "rate_percent = 0", "rate_percent: 0 is too small: at least 1"),
        ("rate_percent = 50", "rate_percent = 101", "rate_percent: 101 is too large: at most 100"),
        ("rate_percent = 50", 'rate_percent = "50 %"', "rate_percent: must be a whole number, not a text"),
        ("rate_least = 4", "rate_least = 1", "rate_least: 1 is too small: at least 2"),
        ("same_link = 3", "same_link = 1", "same_link: 1 is too small: at least 2"),
        ("same_link = 3", "same_link = 1001", "same_link: 1001 is too large: at most 1000"),
        ("soon_hours = 12", "soon_hours = 0", "soon_hours: 0 is too small: at least 1"),
        ("soon_hours = 12", "soon_hours = 721", "soon_hours: 721 is too large: at most 720"),
        ("soon_claims = 2", "soon_claims = 1", "soon_claims: 1 is too small: at least 2"),
        ("soon_claims = 2\n", "", "soon_claims: is missing; it must be a whole number"),
        ("soon_claims = 2", "soon_claims = 2\nsoon_day = 1", "soon_day: unknown key; did you mean 'soon_"),
        ('title = "Too often"\n', "", "title: is missing; it must be a text"),
        ("and may look twice", "{same_link} times", "text: '{same_link}' can't be filled in here; allowed: {panel}"),
    ],
)
def test_names_what_is_wrong_with_the_measuring(old: str, new: str, problem: str) -> None:
    (found,) = problems_of(with_abuse(old, new))

    assert found.startswith(f"shop.toml: abuse.{problem}")


def test_an_empty_part_lacks_every_key() -> None:
    problems = problems_of(minimal_with("[chargebacks]\n", "[abuse]\n\n[chargebacks]\n"))

    assert [problem.split(": ")[1] for problem in problems] == [
        *("abuse.window_days", "abuse.rate_percent", "abuse.rate_least", "abuse.same_link", "abuse.soon_hours"),
        *("abuse.soon_claims", "abuse.title", "abuse.text", "abuse.passage"),
    ]


def test_a_part_that_is_no_table_is_a_problem_and_not_a_crash() -> None:
    assert problems_of(f"abuse = 40\n{MINIMAL}") == (
        "shop.toml: abuse: must be a table [abuse], not a whole number (40)",
    )


def test_the_page_shows_it_after_the_review() -> None:
    sections = sections_of(loader.loads(with_abuse(), "shop.toml"))

    assert list(sections)[2:5] == ["withdrawals", "review", "abuse"]
    assert sections["abuse"].title == "Too often"
    assert sections["abuse"].paragraphs == ("Corner counts requests and may look twice.",)


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_the_shipped_pages_say_that_requests_are_counted_and_no_figure(policy: Policy) -> None:
    text = " ".join(sections_of(policy)["abuse"].paragraphs)

    assert text.startswith("We count refund requests.")
    assert not any(character.isdigit() for character in text)
    assert policy.review.confirm_above == Decimal(100)


def test_a_flag_means_under_the_guarantee_what_its_page_says() -> None:
    text = " ".join(sections_of(MONEY_BACK)["abuse"].paragraphs)
    assert "a person checks its refunds and withdrawals before they are credited or sent; only an order" in text
    assert "that we stop by ourselves before any of it was passed on comes back at once." in text

    assert approvals(MONEY_BACK) == {Approval.REVIEW}


def test_a_flag_means_under_credit_only_what_its_page_says() -> None:
    text = " ".join(sections_of(CREDIT_ONLY)["abuse"].paragraphs)
    assert "While it is marked, refunds are refused, other than for orders that we stop by ourselves before" in text

    assert approvals(CREDIT_ONLY) == set()


def approvals(policy: Policy) -> set[Approval]:
    """How refunds of more than nothing come to customers in doubt, over every combination of facts that can be.

    All but those of orders that we stop before they are passed on, which both pages name.
    """
    remains = {Delivery.ALL: 0, Delivery.SOME: 250, Delivery.NONE: 1000}
    verdicts = [
        engine.decide(policy, facts, Amounts(Decimal(10), 1000, remains[facts.delivery]))
        for facts in space()
        if facts.standing in IN_DOUBT
    ]
    others = [verdict for verdict in verdicts if verdict.clause_id != "stopped-before-start"]
    assert len(others) < len(verdicts)
    return {verdict.approval for verdict in others if verdict.refund is not Refund.NONE}


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_both_pages_say_where_a_refund_is_asked_for(policy: Policy) -> None:
    paragraph, *_ = sections_of(policy)["review"].paragraphs

    assert "pen the order and press “Request a refund”, or write to us with the order number" in paragraph
