"""Whatever stands in a document is named in a problem without fail, and in a line or two."""

import time
from datetime import date

import pytest

from refunds.policy import loader
from refunds.policy.document import Policy
from refunds.policy.loader import PolicyInvalid
from refunds.policy.showing import shown
from tests.refunds.policy.documents import SHIPPED, minimal_with

DEEP: list[object] = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("dropt", "'dropt'"),
        (["a", 1, True], "['a', 1, True]"),
        ({"a": {"b": 1.5}}, "{'a': {'b': 1.5}}"),
        (date(2026, 1, 31), "datetime.date(2026, 1, 31)"),
        ("\0\u202e", "'\\x00\\u202e'"),
        (16**5000, "a number of 20,001 bits"),
        (DEEP, "[[[[[...]]]]]"),
    ],
    ids=["text", "list", "table", "date", "unprintable", "endless", "deep"],
)
def test_a_value_is_shown_as_python_writes_it_as_far_as_that_goes(value: object, said: str) -> None:
    assert shown(value) == said


@pytest.mark.parametrize(
    "value",
    ["x" * 200_000, list(range(9000)), {str(n): "y" * 99 for n in range(99)}, 10**280, [["x" * 250] * 12]],
    ids=type,
)
def test_a_long_value_is_cut(value: object) -> None:
    assert len(shown(value)) < 510
    assert "..." in shown(value)


def problems(text: str) -> list[tuple[int | None, str]]:
    begun = time.process_time()
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")
    assert time.process_time() - begun < 5  # seconds; dotted keys took minutes
    return list(zip(refusal.value.lines, refusal.value.problems, strict=True))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a" + ".a" * 5000 + " = 1", "a name or number of 10,001 characters; at most 200 are allowed"),
        ("a" + " . a" * 5000 + " = 1", "a key of more than 16 parts"),
        ("[" + '"a"."b".' * 9 + "c]", "a key of more than 16 parts"),
        ("x = {" + "a.b" * 16 + " = 1}", "a key of more than 16 parts"),
        ("x = " + "[" * 400 + "]" * 400, "lists and tables inside of each other, more than 16 deep"),
        ("x = " + "9" * 5000, "a name or number of 5,000 characters; at most 200 are allowed"),
        ("x = 0x" + "f" * 5000, "a name or number of 5,002 characters; at most 200 are allowed"),
    ],
)
def test_more_than_any_policy_needs_is_refused_before_it_is_parsed(line: str, said: str) -> None:
    text = minimal_with('title = "Corner shop"\n', f'title = "Corner shop"\n{line}\n')

    assert problems(text) == [(3, f"shop.toml: no policy needs: {said} (at line 3)")]


def test_texts_and_comments_hold_what_they_like() -> None:
    odd = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r " + "[" * 40 + "9" * 300
    text = minimal_with('"What drops comes back."', f"'{odd}'").replace("[default]", f"# {odd}\n[default]")

    assert loader.loads(text, "shop.toml").clauses[0].text == odd


@pytest.mark.parametrize("policy", SHIPPED)
def test_lists_of_many_numbers_need_no_spaces(policy: Policy) -> None:
    numbers = ",".join(str(10**7 + number) for number in range(90))
    scope = f'[[scopes]]\nid = "many"\nname = "Many"\nservices = [{numbers}]\n\n[default]'

    assert len(loader.loads(policy.text.replace("[default]", scope, 1), "x").scopes.all[0].services) == 90


HUGE = "0x" + "f" * 190


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hours = [24, 48]", f"hours = [24, {HUGE}]"),
        ("business_days = [3, 5]", f"business_days = {HUGE}"),
        ('when.cause = ["dropped", "correction"]', f"when.cause = [{HUGE}, [[[]]]]"),
        ('id = "dropped-out"', f"id = {HUGE}"),
        ('minimum = "5.00"', f'minimum = "{"9" * 5000}"'),
        ("updated = 2026-01-31", f'updated = 2026-01-31\n"\\u0000{"k" * 5000}" = 1'),
        ('when.status = ["canceled"]', f"when.claim_window_hours = {HUGE}"),
    ],
)
def test_what_is_no_fitting_value_is_named_in_a_short_sentence(old: str, new: str) -> None:
    found = problems(minimal_with(old, new))

    assert found
    assert all(len(said) < 1000 and said.isprintable() for _, said in found)
    assert all(line is not None for line, _ in found)
