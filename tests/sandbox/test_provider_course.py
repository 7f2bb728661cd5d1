import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from panel.sandbox.provider_course import Progress, plan, progress

ORDER_OF_STATUSES = ["Pending", "Processing", "In progress", "Partial", "Canceled", "Completed"]


def course(seed: int, order: int, quantity: int, cancel_after: float | None = None) -> list[Progress]:
    return [
        progress(seed=seed, order=order, quantity=quantity, elapsed=second, cancel_after=cancel_after)
        for second in range(int(cancel_after or 0), 100)
    ]


def test_repeats_exactly_for_the_same_seed() -> None:
    orders = range(10001, 10051)

    assert [course(7, order, 1000) for order in orders] == [course(7, order, 1000) for order in orders]
    assert [course(7, order, 1000) for order in orders] != [course(8, order, 1000) for order in orders]


def test_most_orders_complete_some_end_partial_some_are_canceled() -> None:
    ends = Counter(course(7, order, 1000)[-1].status for order in range(10001, 11001))

    assert ends.keys() == {"Completed", "Partial", "Canceled"}
    assert 700 < ends["Completed"] < 850
    assert 90 < ends["Partial"] < 200
    assert 40 < ends["Canceled"] < 130


@given(
    seed=st.integers(0, 9),
    order=st.integers(1, 10**6),
    quantity=st.integers(1, 10**6),
    cancel_after=st.none() | st.floats(0, 90),
)
def test_only_ever_moves_forward_and_ends_in_a_report_that_makes_sense(
    seed: int, order: int, quantity: int, cancel_after: float | None
) -> None:
    moves = course(seed, order, quantity, cancel_after)

    for before, after in itertools.pairwise(moves):
        assert ORDER_OF_STATUSES.index(before.status) <= ORDER_OF_STATUSES.index(after.status)
        assert 0 <= after.remains <= before.remains <= quantity or after.status == "Canceled"
    end = moves[-1]
    assert (end.status == "Completed") is (end.remains == 0)
    assert end.status in {"Completed", "Partial", "Canceled"} or cancel_after is not None
    assert end.status != "Canceled" or end.remains == quantity


def test_a_cancel_before_the_start_cancels_whole_and_a_later_one_stops_where_it_got_to() -> None:
    order = next(number for number in itertools.count(1) if plan(7, number, 1000).delivers == 1000)
    starts = plan(7, order, 1000).starts

    early = progress(seed=7, order=order, quantity=1000, elapsed=starts - 1, cancel_after=starts - 1)
    asked = progress(seed=7, order=order, quantity=1000, elapsed=starts + 6, cancel_after=starts + 5)
    stopped = progress(seed=7, order=order, quantity=1000, elapsed=starts + 80, cancel_after=starts + 5)

    assert early == Progress("Canceled", 0, 1000)
    assert asked.status == "In progress"
    assert stopped.status == "Partial"
    assert 0 < stopped.remains < asked.remains
