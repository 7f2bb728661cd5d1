"""What the pack says, and that it never says more than a bank takes."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from panel.kernel.evidence import LONGEST_TEXT, LONGEST_TEXTS, Document, Text
from refunds.evidence.pack import assembling, fitting
from refunds.evidence.pack.case import Case, Letter, Message, Report, Visit
from tests.factories.orders import AT
from tests.refunds.evidence.cases import CASE, DELIVERED, IN_PART

WORDS = st.text(max_size=400)


def texts(case: Case = CASE) -> dict[Text, str]:
    return dict(assembling.assemble(case).texts)


def test_names_the_orders_that_the_payment_paid_for() -> None:
    assert texts()[Text.PRODUCT_DESCRIPTION].splitlines()[1:] == [
        (
            "Order 11, 2026-11-02 13:00:00 UTC from 203.0.113.9 through the website: Newsletter spot, 1,000 units for"
            " https://example.com/launch, 30.00 USD. Completed; 1,000 of 1,000 units delivered, start count 5, end"
            " count 1,005."
        ),
        (
            "Order 12, 2026-11-02 14:00:00 UTC: Promoted reach, 1,000 units for https://example.com/песня, 40.00 USD,"
            " 20.00 USD of it by this payment. Partial; 600 of 1,000 units delivered."
        ),
    ]


def test_says_that_nothing_was_ordered() -> None:
    said = texts(replace(CASE, orders=()))

    assert said[Text.PRODUCT_DESCRIPTION].endswith("Nothing has been ordered with it.")
    assert Text.SERVICE_DATE not in said


def test_says_what_was_credited_and_paid_back() -> None:
    assert texts()[Text.REFUSAL_EXPLANATION].splitlines() == [
        (
            "Of the payment of 50.00 USD, 42.00 USD was spent on 2 orders, net of what was credited back, and 5.00 USD"
            " was paid back to the payment method."
        ),
        "The customer did not write to us about the payment or its orders before it was disputed.",
        "2026-11-04 14:00:00 UTC: 16.00 USD credited to the balance for order 12. What was not delivered is credited.",
        "2026-11-05 00:00:00 UTC: 5.00 USD paid back to the payment method, bank reference ARN 74.",
    ]


def test_says_when_the_policy_was_shown_and_from_where_it_was_read() -> None:
    shown, public = texts(), texts(replace(CASE, terms=replace(CASE.terms, shown=False)))

    assert (
        "It was shown to the customer where the payment was made, 2026-11-02 12:00:00 UTC from 203.0.113.9."
        in (shown[Text.POLICY_DISCLOSURE])
    )
    assert "shown to the customer" not in public[Text.POLICY_DISCLOSURE]
    assert public[Text.POLICY_DISCLOSURE].endswith("What was not delivered is refunded.")


def test_a_service_that_goes_on_has_no_last_day() -> None:
    running = replace(IN_PART, final_at=None)

    assert texts()[Text.SERVICE_DATE] == "November 2, 2026 to November 4, 2026"
    assert texts(replace(CASE, orders=(DELIVERED, running)))[Text.SERVICE_DATE] == (
        "From November 2, 2026; not all of it is delivered yet"
    )


def test_logs_the_customers_visits_oldest_first() -> None:
    later = Visit(at=AT + timedelta(hours=1), what="placed order 11", address="", device="")

    assert texts(replace(CASE, visits=(*CASE.visits, later)))[Text.ACCESS_LOG].splitlines() == [
        "2026-11-02 12:00:00 UTC: signed in from 203.0.113.9 (Firefox)",
        "2026-11-02 13:00:00 UTC: placed order 11",
    ]


def test_leaves_out_the_oldest_visits_and_says_how_many() -> None:
    visits = tuple(
        Visit(at=AT + timedelta(minutes=number), what=f"signed in, time {number}", address="203.0.113.9")
        for number in range(1000)
    )

    pack = assembling.assemble(replace(CASE, visits=visits))

    lines = pack.texts[Text.ACCESS_LOG].splitlines()
    left_out = pack.left_out[Text.ACCESS_LOG]
    assert lines[0] == f"[{left_out} older entries left out for length.]"
    assert len(lines) - 1 + left_out == 1000
    assert lines[-1].endswith("signed in, time 999 from 203.0.113.9")
    assert LONGEST_TEXT - 100 < len(pack.texts[Text.ACCESS_LOG]) <= LONGEST_TEXT


def test_counts_what_was_not_even_read() -> None:
    pack = assembling.assemble(replace(CASE, older_visits=3000, older_letters=7))

    assert pack.texts[Text.ACCESS_LOG].startswith("[3,000 older entries left out for length.]")
    assert "[7 older e-mails left out for length.]" in pack.texts[Text.OTHER]
    timeline = pack.papers[Document.SERVICE].sections[-1].lines
    assert timeline[0] == "[3,007 older entries left out for length.]"
    assert dict(pack.left_out) == {Text.ACCESS_LOG: 3000, Text.OTHER: 7}


def test_says_nothing_of_what_is_not_known() -> None:
    unknown = replace(CASE, payment=replace(CASE.payment, address=""), visits=(), letters=(), messages=())

    pack = assembling.assemble(replace(unknown, orders=()))

    assert {Text.PURCHASE_ADDRESS, Text.ACCESS_LOG, Text.OTHER} & set(pack.texts) == set()
    assert set(pack.papers) == {Document.SERVICE, Document.POLICY, Document.RECEIPT}


def test_the_limits_of_all_texts_fit_together() -> None:
    assert set(assembling.LONGEST) == set(Text)
    assert sum(assembling.LONGEST.values()) <= LONGEST_TEXTS
    assert max(assembling.LONGEST.values()) <= LONGEST_TEXT


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw cases of any length, with texts of any characters."""
    words, times = draw(st.lists(WORDS, min_size=1, max_size=5)), draw(st.integers(0, 300))
    said = words[0]
    order = replace(
        DELIVERED,
        service=said[:200],
        link=said,
        reports=tuple(Report(at=AT, status=said, words=said, by="Provider", remains=None) for _ in range(times)),
    )
    return replace(
        CASE,
        customer=replace(CASE.customer, name=said, email=words[-1]),
        payment=replace(CASE.payment, address=words[-1]),
        claim=replace(CASE.claim, contacted=True, contact=said),
        orders=(order,) * draw(st.integers(0, 100)),
        visits=tuple(Visit(at=AT, what=one, address=one, device=one) for one in words for _ in range(times)),
        letters=tuple(Letter(at=AT, subject=one, sent_at=None) for one in words for _ in range(times)),
        messages=tuple(Message(at=AT, by_customer=False, about=one, text=one * 20) for one in words),
        terms=replace(CASE.terms, title=said, sections=tuple((one, (one * 50,) * times) for one in words)),
    )


@given(cases())
@settings(max_examples=60, deadline=None)
def test_every_text_is_within_its_limit(case: Case) -> None:
    pack = assembling.assemble(case)

    assert all(0 < len(text) <= assembling.LONGEST[name] for name, text in pack.texts.items())
    assert sum(map(len, pack.texts.values())) <= LONGEST_TEXTS
    assert all("left out for length" in pack.texts[name] for name in pack.left_out)


@given(st.lists(WORDS.map(lambda text: fitting.line(text) or "-"), max_size=60), st.integers(0, 3000))
def test_cuts_whole_lines_and_counts_the_rest(lines: list[str], most: int) -> None:
    newest = fitting.newest(lines, most=most, entries="older entries")
    first = fitting.first(lines, most=most, entries="later entries")

    for cut, kept in ((newest, lines[newest.left_out :]), (first, lines[: len(lines) - first.left_out])):
        assert len(cut.text) <= most
        said = [line for line in cut.lines if not (cut.left_out and line.endswith("left out for length.]"))]
        assert said == kept
    assert (newest.left_out == 0) == (len("\n".join(lines)) <= most)
    note = "[60 older entries left out for length.]"
    assert not newest.left_out or most < len(note) or newest.lines[0].endswith("left out for length.]")
