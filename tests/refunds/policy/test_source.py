import time
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from refunds.policy import loader, source
from refunds.policy.loader import PolicyInvalid
from refunds.policy.source import Address, Block
from tests.refunds.policy.documents import MINIMAL, SHIPPED, minimal_with

ODD = '''\
title = "a # is no comment, nor is [this] a table"
"quoted key" = 1
spread = [
    "one", # ]
    "]two[",
]
long = """
[not.a.table]
key = "inside of a text"\\""" still
""""
raw = \'\'\'
[[nor.this]]
\'\'\'
inline = { deep = { deeper = true } }

# belongs to the next table
[[shelf]]
id = "first"
when.status = ["a"]

[shelf.inside]
key = 1

# a comment of the second
[[shelf]]
id = "second"
[last]
end = true
'''


def leaves(value: Any, address: Address = ()) -> Iterator[Address]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*address, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*address, place))
    else:
        yield address


@pytest.mark.parametrize("text", [*(policy.text for policy in SHIPPED), MINIMAL, ODD])
def test_every_key_of_a_document_is_found_in_a_line_that_names_it(text: str) -> None:
    lines, found = text.split("\n"), source.places(text)

    for address in leaves(tomllib.loads(text)):
        line = found.line(address)
        assert line is not None, address
        assert [part for part in address if isinstance(part, str)][-1] in lines[line - 1], address


def test_texts_lists_and_comments_are_not_taken_for_tables_or_keys() -> None:
    found = source.places(ODD)

    assert {address[0] for address in found.lines} == {
        "title",
        "quoted key",
        "spread",
        "long",
        "raw",
        "inline",
        "shelf",
        "last",
    }
    assert [found.lines[key,] for key in ("title", "spread", "long", "raw", "inline", "last")] == [1, 3, 7, 11, 14, 27]


def test_what_is_inside_of_a_list_s_table_belongs_to_its_last_item() -> None:
    found = source.places(ODD)

    assert found.line(("shelf", 0, "id")) == 18
    assert found.line(("shelf", 0, "when", "status")) == 19
    assert found.line(("shelf", 0, "inside", "key")) == 22
    assert found.line(("shelf", 1, "id")) == 26


def test_a_block_leaves_comments_before_the_next_header_to_that() -> None:
    found = source.places(ODD)

    assert found.blocks["shelf", 0] == Block(17, 22)
    assert found.blocks["shelf", 1] == Block(25, 26)
    assert found.blocks["last",] == Block(27, 28)


ODDLY_ENDED = '''\
[[shelf]]
text = """
first
# no comment"""

# of the second
[["odd ] name"]]
# its own
list = [
    1,
    # inside
    2,  # behind
]
'''


def test_a_block_ends_with_its_last_key_however_that_looks() -> None:
    found = source.places(ODDLY_ENDED)

    assert tomllib.loads(ODDLY_ENDED)["shelf"][0]["text"] == "first\n# no comment"
    assert found.blocks == {("shelf", 0): Block(1, 4), ("odd ] name", 0): Block(7, 13)}
    assert found.comments == {6, 8, 11}


@pytest.mark.parametrize(
    "text",
    [
        "list = [\n" + '"one",\n' * 20_000 + "]",
        'text = """\n' + "# line\n" * 20_000 + '"""',
        "[[shelf]]\nid = 1\n# c\n" * 7_000,
        "x = " + "[" * 50_000 + "]" * 50_000,
        '"""' * 50_000 + "\\",
        "'" * 100_001,
    ],
    ids=["list", "text", "tables", "nested", "quotes", "no TOML"],
)
def test_a_long_text_is_read_in_one_pass(text: str) -> None:
    begun = time.process_time()

    assert "".join(token.text for token in source.tokens(text)) == text
    source.places(text)

    assert time.process_time() - begun < 10  # seconds; it took minutes


def test_an_address_that_is_not_there_is_found_by_what_is_around_it() -> None:
    found = source.places(MINIMAL)

    assert found.line(("clauses", 1, "when", "cause")) == found.line(("clauses", 1, "when"))
    assert found.line(("clauses", 1, "cap")) == found.line(("clauses", 1)) == 19
    assert found.line(("nowhere",)) is None


def problems(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(PolicyInvalid) as refusal:
        loader.loads(text, "shop.toml")
    return [
        (line, said.rpartition(": ")[0]) for line, said in zip(refusal.value.lines, refusal.value.problems, strict=True)
    ]


def test_each_problem_of_a_document_has_its_line() -> None:
    text = MINIMAL.replace('["dropped", "correction"]', '["dropt"]').replace('fee = "none"', 'fee = "free"')
    text = text.replace('[[sections]]\nid = "thanks"', '[[sections]]\nid = "Thanks!"')

    found = problems(text)

    expected = ('when.cause = ["dropt"]', 'fee = "free"', 'id = "Thanks!"')
    assert [line for line, _ in found] == [text.split("\n").index(line) + 1 for line in expected]


def test_a_missing_key_is_said_at_its_table() -> None:
    ((line, said),) = problems(minimal_with('id = "partly"\n', ""))

    assert (line, said) == (19, "shop.toml: clause 2: id")


def test_a_name_that_is_used_twice_is_said_where_it_is_used_again() -> None:
    ((line, _),) = problems(minimal_with('id = "partly"', 'id = "dropped-out"'))

    assert line == 20


def test_a_mistake_of_syntax_has_the_line_that_the_parser_names() -> None:
    text = minimal_with('title = "Review"', 'title = "Review')

    ((line, _),) = problems(text)

    assert line == text.split("\n").index('title = "Review') + 1
