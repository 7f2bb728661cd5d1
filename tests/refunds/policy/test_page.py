from datetime import date
from decimal import Decimal

import pytest

from refunds.policy import loader, page, quoting
from refunds.policy.clauses import Approval, Refund
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Standing, Terms
from tests.refunds.policy.documents import CREDIT_ONLY, MINIMAL, MONEY_BACK, SHIPPED, minimal_with


def built(policy: Policy) -> page.Page:
    return page.build(policy, panel="Corner", currency="USD", email="help@corner.example")


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_the_page_shows_the_text_of_every_clause_under_its_heading(policy: Policy) -> None:
    sections = {section.title: section for section in built(policy).sections}

    for clause in policy.rules:
        assert clause.text.replace("{panel}", "Corner") in sections[clause.group].points


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_nothing_on_the_page_is_left_to_fill_in(policy: Policy) -> None:
    whole = built(policy)
    texts = [whole.title, whole.summary, *whole.introduction]
    for section in whole.sections:
        texts += [section.title, *section.paragraphs, *section.points, *section.steps]
        assert section.paragraphs or section.points or section.steps

    assert all(text.strip() and not set("{}") & set(text) for text in texts)
    assert any("Corner" in text for text in texts)
    assert any("help@corner.example" in text for text in texts)


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.slug)
def test_anchors_are_unique(policy: Policy) -> None:
    anchors = [section.anchor for section in built(policy).sections]

    assert len(anchors) == len(set(anchors))


def test_figures_on_the_page_are_those_that_are_applied() -> None:
    text = " ".join(" ".join(section.paragraphs) for section in built(MONEY_BACK).sections)

    assert "A balance of 5.00 USD or more" in text
    assert "3 to 5 business days" in text
    assert "above 200.00 USD" in text
    assert "Within 24 to 48 hours" in text


def test_the_page_follows_the_document_when_a_figure_changes() -> None:
    policy = loader.loads(minimal_with('minimum = "5.00"', 'minimum = "7.50"'), "shop.toml")

    (section,) = [section for section in built(policy).sections if section.anchor == "withdrawals"]

    assert section.paragraphs == ("From 7.50 USD, within 3 to 5 days; above 100.00 USD we look.",)


def test_the_page_is_in_reading_order() -> None:
    whole = built(loader.loads(MINIMAL, "shop.toml"))

    assert (whole.title, whole.updated, whole.introduction) == (
        "Corner shop",
        date(2026, 1, 31),
        ("How Corner refunds.",),
    )
    assert [section.title for section in whole.sections] == [
        *("Refunded", "Not refunded", "Taking it home", "Review", "Thanks", "Chargebacks", "Contact"),
    ]
    assert whole.sections[0].points == ("What drops comes back.", "What is missing comes back.")
    assert whole.sections[4].steps == ("One step.",)


def test_the_five_steps_of_a_cancel_are_on_the_guarantees_page() -> None:
    (section,) = [section for section in built(MONEY_BACK).sections if section.anchor == "section-cancel"]

    assert len(section.steps) == 5


@pytest.mark.parametrize(
    ("policy", "terms", "lines"),
    [
        (
            MONEY_BACK,
            Terms.STANDARD,
            (
                "Cancel while it is pending: full refund to your balance.",
                "If it can't be started: full refund to your balance.",
                "If it is delivered only in part: what was not delivered is refunded to your balance.",
                "Delivered in full: no refund.",
            ),
        ),
        (
            MONEY_BACK,
            Terms.NO_REFUND_AFTER_START,
            (
                "Cancel while it is pending: full refund to your balance.",
                "If it can't be started: full refund to your balance.",
                "Once delivery has begun: no refund.",
                "Delivered in full: no refund.",
            ),
        ),
        (
            CREDIT_ONLY,
            Terms.NO_REFUND_AFTER_START,
            (
                "An order can't be canceled at your own wish once it is placed.",
                "If it can't be started: full refund to your balance.",
                "If it is delivered only in part: what was not delivered is refunded to your balance.",
                "Delivered in full: no refund.",
            ),
        ),
    ],
)
def test_the_note_beside_the_order_button_says_what_the_policy_does(
    policy: Policy, terms: Terms, lines: tuple[str, ...]
) -> None:
    assert quoting.order_note(policy, terms) == lines


def test_the_note_tells_a_customer_in_doubt_that_a_person_looks_first() -> None:
    lines = quoting.order_note(MONEY_BACK, Terms.STANDARD, Standing.ABUSE_FLAGGED)

    assert lines == (
        "Cancel while it is pending: what was not delivered is refunded to your balance, after review.",
        "If it can't be started: what was not delivered is refunded to your balance, after review.",
        "If it is delivered only in part: what was not delivered is refunded to your balance, after review.",
        "Delivered in full: no refund.",
    )


def test_the_note_tells_a_customer_in_doubt_that_nothing_is_refunded() -> None:
    lines = quoting.order_note(CREDIT_ONLY, Terms.STANDARD, Standing.FRAUD_SUSPECTED)

    assert lines == (
        "An order can't be canceled at your own wish once it is placed.",
        "If it can't be started: no refund.",
        "Once delivery has begun: no refund.",
        "Delivered in full: no refund.",
    )


def test_the_note_tells_when_a_person_looks_first() -> None:
    cautious = minimal_with('refund = "undelivered", approval = "automatic"', 'refund = "full", approval = "review"')

    lines = quoting.order_note(loader.loads(cautious, "shop.toml"), Terms.STANDARD)

    assert lines[2] == "If it is delivered only in part: full refund to your balance, after review."


def test_the_cancel_page_can_say_the_amount_beforehand() -> None:
    amounts = Amounts(Decimal("3.21"), 500, 500)

    quote = quoting.cancel_quote(MONEY_BACK, amounts, terms=Terms.NO_REFUND_AFTER_START)
    doubted = quoting.cancel_quote(MONEY_BACK, amounts, standing=Standing.FRAUD_SUSPECTED)
    refused = quoting.cancel_quote(CREDIT_ONLY, amounts)

    assert (quote.owed, quote.refund, quote.approval) == (Decimal("3.21"), Refund.FULL, Approval.AUTOMATIC)
    assert (doubted.owed, doubted.approval) == (Decimal("3.21"), Approval.REVIEW)
    assert (refused.owed, refused.clause_id) == (Decimal(0), "change-of-mind")
