"""Who is blocked, by whom, and until when."""

from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction

from panel.accounts import blocklist
from panel.accounts.blocklist import EmailBlocked, Identity, NotBlocked
from panel.accounts.models import BlockedIdentity, IdentityKind, User
from panel.kernel.errors import Forbidden, NotFound, Refused
from tests.admin.pages import clerk
from tests.concurrency.racing import race
from tests.factories import AT, HOUR, make_customer, make_staff

pytestmark = pytest.mark.django_db

CARD = blocklist.of_method("fp_visa")


def block(customer: User, *identities: Identity, dispute: int | None = None, author: User | None = None) -> int:
    """Block in a transaction, as the use cases do."""
    with transaction.atomic():
        return blocklist.block(
            identities, customer=customer, reason="It was lost.", dispute_ref=dispute, author=author, at=AT
        )


def lift(dispute: int) -> int:
    with transaction.atomic():
        return blocklist.lift(dispute_ref=dispute, because="It was won.", at=AT + HOUR)


def live() -> list[tuple[str, int | None]]:
    rows = BlockedIdentity.objects.filter(lifted_at__isnull=True).order_by("pk")
    return list(rows.values_list("value", "dispute_ref"))


@pytest.mark.parametrize(
    ("typed", "compared"),
    [
        ("Ada.Byron@Example.com", "ada.byron@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada+new@example.com", "ada@example.com"),
        ("ada+a+b@example.com", "ada@example.com"),
        ("+ada@example.com", "+ada@example.com"),
        ("A.d.a+x@GMail.com", "ada@gmail.com"),
        ("a.da@googlemail.com", "ada@gmail.com"),
        ("ada@mail.gmail.com.example", "ada@mail.gmail.com.example"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("nonsense", "nonsense"),
    ],
)
def test_compares_addresses_however_they_are_spelled(typed: str, compared: str) -> None:
    assert blocklist.of_email(typed) == Identity(IdentityKind.EMAIL, compared)


def test_keeps_a_fingerprint_as_the_gateway_gives_it() -> None:
    assert blocklist.of_method("Xt5EWLLDS7FJjR1c").value == "Xt5EWLLDS7FJjR1c"


def test_blocks_an_address_in_every_spelling_and_no_other() -> None:
    block(make_customer(), blocklist.of_email("a.byron@gmail.com"), dispute=7)

    for spelled in ("a.byron@gmail.com", "ABYRON+again@googlemail.com"):
        assert blocklist.is_blocked(email=spelled)
        with pytest.raises(EmailBlocked, match=r"can't be used here\. If .* mistake, write to support@makegood"):
            blocklist.require_email(spelled)
    for other in ("b.byron@gmail.com", "a.byron@example.com", ""):
        assert not blocklist.is_blocked(email=other)
        blocklist.require_email(other)


def test_blocks_a_payment_method_and_no_other() -> None:
    block(make_customer(), CARD, dispute=7)

    assert blocklist.is_blocked_method("fp_visa")
    assert not blocklist.is_blocked_method("FP_VISA")
    assert not blocklist.is_blocked(email="fp_visa")


def test_what_has_no_fingerprint_is_never_blocked() -> None:
    assert block(make_customer(), blocklist.of_method(""), dispute=7) == 0

    assert not blocklist.is_blocked_method("")
    assert live() == []


def test_the_same_dispute_blocks_an_identity_once() -> None:
    ada = make_customer()

    assert block(ada, CARD, blocklist.of_email(ada.email), dispute=7) == 2
    assert block(ada, CARD, dispute=7) == 0

    assert live() == [("fp_visa", 7), (blocklist.of_email(ada.email).value, 7)]


def test_lifts_exactly_what_a_dispute_blocked() -> None:
    ada, ben, grace = make_customer(), make_customer("ben"), make_staff()
    block(ada, CARD, dispute=7)
    block(ada, CARD, dispute=8)
    block(ben, CARD, author=grace)

    assert lift(7) == 1
    assert (lift(7), live()) == (0, [("fp_visa", 8), ("fp_visa", None)])
    assert blocklist.is_blocked_method("fp_visa")

    assert lift(8) == 1
    assert blocklist.is_blocked_method("fp_visa")
    row = BlockedIdentity.objects.get(dispute_ref=8)
    assert (row.lifted_at, row.lifted_by, row.lifted_because) == (AT + HOUR, None, "It was won.")


def test_what_was_lifted_can_be_blocked_again() -> None:
    ada = make_customer()
    block(ada, CARD, dispute=7)
    lift(7)
    assert not blocklist.is_blocked_method("fp_visa")

    assert block(ada, CARD, dispute=7) == 1

    assert blocklist.is_blocked_method("fp_visa")
    assert BlockedIdentity.objects.count() == 2


def test_tells_what_others_blocked_from_what_the_customers_own_dispute_did() -> None:
    ada, ben = make_customer(), make_customer("ben")
    block(ada, CARD, dispute=7)

    assert not blocklist.is_blocked_method_of_others("fp_visa", customer=ada)
    assert blocklist.is_blocked_method_of_others("fp_visa", customer=ben)

    block(ada, CARD, author=make_staff())
    assert blocklist.is_blocked_method_of_others("fp_visa", customer=ada)


def test_staff_lift_one_row_with_a_reason() -> None:
    ada, grace = make_customer(), make_staff()
    block(ada, CARD, dispute=7)
    row = BlockedIdentity.objects.get()

    blocklist.lift_one(identity_id=row.pk, because=" A shared card. ", staff=grace, at=AT + HOUR)

    row.refresh_from_db()
    assert (row.lifted_at, row.lifted_by, row.lifted_because) == (AT + HOUR, grace, "A shared card.")
    with pytest.raises(NotBlocked):
        blocklist.lift_one(identity_id=row.pk, because="Again.", staff=grace, at=AT)


def test_nobody_lifts_without_the_right_a_reason_or_of_himself() -> None:
    ada, grace, viewer = make_customer(), make_staff(), clerk("accounts.view_blockedidentity")
    block(ada, CARD, dispute=7)
    block(grace, CARD, dispute=8)
    his, hers = BlockedIdentity.objects.order_by("pk")

    for staff in (viewer, ada):
        with pytest.raises(Forbidden):
            blocklist.lift_one(identity_id=his.pk, because="Please.", staff=staff, at=AT)
    with pytest.raises(Forbidden, match="own account"):
        blocklist.lift_one(identity_id=hers.pk, because="Please.", staff=grace, at=AT)
    with pytest.raises(Refused) as refused:
        blocklist.lift_one(identity_id=his.pk, because=" ", staff=grace, at=AT)
    with pytest.raises(NotFound):
        blocklist.lift_one(identity_id=hers.pk + 1, because="Please.", staff=grace, at=AT)

    assert refused.value.field == "reason"
    assert live() == [("fp_visa", 7), ("fp_visa", 8)]


@pytest.mark.django_db(transaction=True)
def test_two_disputes_that_block_the_same_at_once_both_do() -> None:
    ada, ben = make_customer(), make_customer("ben")

    results = race([partial(block, ada, CARD, dispute=7), partial(block, ben, CARD, dispute=8)] * 3)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert sorted(live(), key=str) == [("fp_visa", 7), ("fp_visa", 8)]
    lift(7)
    assert blocklist.is_blocked_method("fp_visa")


ROW = (
    "INSERT INTO accounts_blockedidentity (kind, value, reason, customer_id, dispute_ref, blocked_at, lifted_because)"
    " VALUES ('{kind}', '{value}', '{reason}', %(ada)s, {dispute}, now(), '{because}')"
)


def row(**changed: str) -> str:
    given = {"kind": "email", "value": "a@b.example", "reason": "It was lost.", "dispute": "7", "because": ""}
    return ROW.format(**{**given, **changed})


UPDATE = "UPDATE accounts_blockedidentity SET "
LIFT = f"{UPDATE} lifted_at = now(), lifted_because = 'Won.'"


@pytest.mark.parametrize(
    ("refusal", "statements"),
    [
        ("blocked_identity_kind_known", [row(kind="name")]),
        ("blocked_identity_names_something", [row(value="")]),
        ("blocked_identity_says_why", [row(reason="")]),
        ("blocked_by_a_dispute_or_by_staff", [row(dispute="NULL")]),
        ("blocked_identity_lifted_says_why", [row(because="It was won.")]),
        ("blocked_identity_once", [row(), row()]),
        ("kept as it is, and lifted once", [row(), f"{UPDATE} value = 'c@b.example'"]),
        ("kept as it is, and lifted once", [row(), f"{UPDATE} dispute_ref = 8"]),
        ("kept as it is, and lifted once", [row(), LIFT, f"{UPDATE} lifted_at = NULL, lifted_because = ''"]),
        ("Cannot delete rows", [row(), "DELETE FROM accounts_blockedidentity"]),
    ],
)
def test_the_database_refuses_what_breaks(refusal: str, statements: list[str]) -> None:
    ada = make_customer()

    def carry_out() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, {"ada": ada.pk})

    with pytest.raises(DatabaseError, match=refusal):
        carry_out()

    assert not BlockedIdentity.objects.exists()
