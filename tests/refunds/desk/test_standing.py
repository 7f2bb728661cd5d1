"""How a customer stands with us is changed by who may, with a reason, and never behind anybody's back."""

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from panel.accounts import standing
from panel.accounts.models import Standing, StandingChange, User
from panel.kernel.errors import Forbidden, Refused
from tests.factories import AT, make_customer, make_staff
from tests.refunds.desk.ground import nothing_moves

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_customer()


def lift(ada: User, staff: User, reason: str = "A misunderstanding") -> StandingChange:
    return standing.change(user=ada, to=Standing.CLEAR, reason=reason, staff=staff, at=AT)


def flag(ada: User, reasons: tuple[str, ...] = ("9 refund requests for 10 orders",)) -> StandingChange:
    with transaction.atomic():
        return standing.flag_measured(user=standing.locked(ada.pk), reasons=reasons, at=AT)


def test_what_was_counted_is_kept_with_its_reasons_and_nobodys_name(ada: User) -> None:
    change = flag(ada, ("5 for the same link", "7 soon after completion"))

    ada.refresh_from_db()
    assert ada.standing == Standing.ABUSE_FLAGGED
    assert (change.from_standing, change.to_standing, change.changed_by) == ("clear", "abuse_flagged", None)
    assert change.reasons == ["5 for the same link", "7 soon after completion"]


def test_a_person_lifts_it_with_a_reason_and_both_changes_stay(ada: User) -> None:
    grace = make_staff()
    flag(ada)

    lift(ada, grace, "  It was our own fault.  ")

    ada.refresh_from_db()
    assert ada.standing == Standing.CLEAR
    kept = list(StandingChange.objects.filter(user=ada).values_list("to_standing", "changed_by", "reasons"))
    assert kept == [
        ("clear", grace.pk, ["It was our own fault."]),
        ("abuse_flagged", None, ["9 refund requests for 10 orders"]),
    ]


def test_refuses_who_may_not_change_customers(ada: User) -> None:
    otto = make_staff("otto")
    otto.is_superuser = False
    otto.save(update_fields=["is_superuser"])
    flag(ada)

    people = [User.objects.get(pk=otto.pk), make_customer("ben"), ada]
    for person in people:
        with nothing_moves(), pytest.raises(Forbidden):
            lift(ada, person)


def test_refuses_an_own_account_whatever_the_rights() -> None:
    grace = make_staff()
    flag(grace)

    with nothing_moves(), pytest.raises(Forbidden, match="own account"):
        lift(grace, grace)


@pytest.mark.parametrize("reason", ["", " \n"])
def test_refuses_a_change_without_a_reason(reason: str, ada: User) -> None:
    grace = make_staff()
    flag(ada)

    with nothing_moves(), pytest.raises(Refused) as refused:
        lift(ada, grace, reason)
    assert refused.value.field == "reason"


def test_refuses_what_is_so_already(ada: User) -> None:
    grace = make_staff()

    with nothing_moves(), pytest.raises(standing.StandsSo):
        lift(ada, grace)


@pytest.mark.parametrize("to", [Standing.ABUSE_FLAGGED, Standing.FRAUD_SUSPECTED])
def test_what_was_counted_never_overwrites_what_a_person_decided(to: Standing, ada: User) -> None:
    standing.change(user=ada, to=to, reason="Looked at", staff=make_staff(), at=AT)

    with nothing_moves(), pytest.raises(standing.StandsSo):
        flag(ada)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("standing_change_known", {"to_standing": "banned", "reasons": ["Why"]}),
        ("standing_lifted_by_somebody", {"to_standing": "clear", "reasons": ["Why"]}),
        ("standing_change_says_why", {"to_standing": "abuse_flagged", "reasons": []}),
    ],
)
def test_the_database_refuses_a_change_that_can_not_be(name: str, fields: dict[str, object], ada: User) -> None:
    change = StandingChange(user=ada, at=AT, from_standing="abuse_flagged", **fields)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        change.save(force_insert=True)


@pytest.mark.parametrize(
    "verb", ["UPDATE accounts_standingchange SET reasons = '[1]'", "DELETE FROM accounts_standingchange"]
)
def test_a_change_is_kept_as_it_was(verb: str, ada: User) -> None:
    flag(ada)

    with (
        pytest.raises(InternalError, match="Cannot update or delete rows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(verb)
