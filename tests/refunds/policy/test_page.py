from datetime import date

import pytest

from refunds.policy import loader, page
from refunds.policy.document import Policy
from tests.refunds.policy.documents import MINIMAL, MONEY_BACK, SHIPPED, minimal_with


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
