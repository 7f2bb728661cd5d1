import pytest

from refunds.policy import loader, rewriting
from refunds.policy.clauses import Approval, Refund
from refunds.policy.rewriting import ClauseFields, ClauseNotFound
from tests.refunds.policy.documents import MINIMAL, MONEY_BACK

GENEROUS = ClauseFields(
    id="generous",
    group='Said "so"',
    refund="full",
    approval="automatic",
    text="All of it.\nWithin {claim_window}, {cap} at most, less {fee}.",
    because="we are fond of you \\ and it",
    passage="our own",
    when={"status": ["completed"], "cause": ["dropped"], "terms": []},
    claim_window_hours=72,
    cap="50 %",
    fee="0.50",
    keeps_undelivered=True,
)


def test_a_clause_that_is_put_in_says_what_the_form_held() -> None:
    policy = loader.loads(rewriting.inserted(MINIMAL, 1, GENEROUS), "shop.toml")

    assert [clause.id for clause in policy.clauses] == ["dropped-out", "generous", "partly"]
    clause = policy.clauses[1]
    assert (clause.refund, clause.approval, clause.keeps_undelivered) == (Refund.FULL, Approval.AUTOMATIC, True)
    assert clause.when.values == (("status", ("completed",)), ("cause", ("dropped",)))
    assert clause.when.claim_window_hours == 72
    assert clause.cap is not None
    assert clause.fee is not None
    assert (clause.cap.written, clause.fee.written) == ("50 %", "0.50")
    assert (clause.group, clause.text, clause.because) == (GENEROUS.group, GENEROUS.text, GENEROUS.because)


def test_before_the_default_means_last() -> None:
    policy = loader.loads(rewriting.inserted(MINIMAL, None, GENEROUS), "shop.toml")

    assert [clause.id for clause in policy.rules] == ["dropped-out", "partly", "generous", "default"]


def test_putting_in_touches_no_other_line() -> None:
    text = rewriting.inserted(MONEY_BACK.text, 6, GENEROUS)

    written = "\n".join([*rewriting.written(GENEROUS, is_default=False), "", ""])
    assert text.replace(written, "", 1) == MONEY_BACK.text


def test_writing_a_clause_anew_keeps_its_place_its_comments_and_all_else() -> None:
    commented = MINIMAL.replace('group = "Refunded"\nwhen.status', '# as ever\ngroup = "Refunded"\nwhen.status')

    text = rewriting.replaced(commented, 0, GENEROUS)

    policy = loader.loads(text, "shop.toml")
    assert [clause.id for clause in policy.clauses] == ["generous", "partly"]
    assert "[[clauses]]\n# as ever\nid = " in text
    assert text[text.index('[[clauses]]\nid = "partly"') :] == MINIMAL[MINIMAL.index('[[clauses]]\nid = "partly"') :]


HASHES = MINIMAL.replace(
    'passage = "notebook, page 1"\n\n[[clauses]]\nid = "partly"',
    'passage = """\nnotebook,\n# 12"""\n\n# of the next\n[[clauses]]\nid = "partly"',
)


def test_a_text_whose_last_line_looks_like_a_comment_goes_with_its_clause() -> None:
    assert HASHES.count("# 12") == 1
    policy = loader.loads(HASHES, "shop.toml")

    swapped = loader.loads(rewriting.moved(HASHES, 0, to=1), "shop.toml")
    left = loader.loads(rewriting.removed(HASHES, 0), "shop.toml")
    written = loader.loads(rewriting.replaced(HASHES, 0, GENEROUS), "shop.toml")

    assert swapped.clauses == policy.clauses[::-1]
    assert left.clauses == policy.clauses[1:]
    assert [clause.id for clause in written.clauses] == ["generous", "partly"]
    for text in (rewriting.removed(HASHES, 0), rewriting.replaced(HASHES, 0, GENEROUS)):
        assert "# 12" not in text
        assert "# of the next" in text


def test_the_default_is_written_without_id_and_condition() -> None:
    fields = ClauseFields("default", "All else", "undelivered", "review", "We look.", "nothing else fits", "our own")

    policy = loader.loads(rewriting.replaced(MINIMAL, None, fields), "shop.toml")

    assert policy.default.when.is_empty
    assert (policy.default.refund, policy.default.text) == (Refund.UNDELIVERED, "We look.")


def test_taking_a_clause_out_leaves_the_others_as_they_were() -> None:
    without_examples = MONEY_BACK.text[: MONEY_BACK.text.index("[[examples]]")]  # one of them expects the clause
    text = rewriting.removed(without_examples, 3)

    kept = [clause for place, clause in enumerate(MONEY_BACK.clauses) if place != 3]
    assert list(loader.loads(text, "x.toml").clauses) == kept


def test_examples_go_with_the_clause_that_they_expect() -> None:
    gone = MONEY_BACK.clauses[3].id
    expecting = [place for place, example in enumerate(MONEY_BACK.examples) if example.clause == gone]
    assert expecting

    policy = loader.loads(rewriting.removed(MONEY_BACK.text, 3, examples=expecting), "x.toml")

    assert [clause.id for clause in policy.clauses] == [one.id for one in MONEY_BACK.clauses if one.id != gone]
    assert policy.examples == tuple(example for example in MONEY_BACK.examples if example.clause != gone)


@pytest.mark.parametrize(("place", "to"), [(0, 1), (5, 4), (10, 11)])
def test_moving_swaps_two_clauses_and_nothing_else(place: int, to: int) -> None:
    text = rewriting.moved(MONEY_BACK.text, place, to=to)

    expected = list(MONEY_BACK.clauses)
    expected[place], expected[to] = expected[to], expected[place]
    policy = loader.loads(text, "x.toml")
    assert list(policy.clauses) == expected
    assert (policy.default, policy.sections, policy.review) == (
        MONEY_BACK.default,
        MONEY_BACK.sections,
        MONEY_BACK.review,
    )
    assert rewriting.moved(text, place, to=to) == MONEY_BACK.text


def test_there_is_no_clause_beyond_the_last() -> None:
    with pytest.raises(ClauseNotFound):
        rewriting.removed(MINIMAL, 2)
    with pytest.raises(ClauseNotFound):
        rewriting.moved(MINIMAL, 1, to=2)
    with pytest.raises(ClauseNotFound):
        rewriting.replaced(MINIMAL, 7, GENEROUS)
