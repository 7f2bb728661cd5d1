"""Who gets what answer from every page and every action of the refund desk, of refills, and of support.

Six kinds of people try each address by GET and by POST. `in` is the way to the sign-in, with nothing shown. A POST
that is let in carries too little to do harm, so what it gets is the form again (200, 422), a redirect, or 409.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from django.contrib.admin import helpers
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from orders.models import Refill
from panel.accounts.models import User
from panel.support.models import SavedReply, Ticket
from refunds.backtesting import running, runs
from refunds.models import RefundRequest
from tests.admin.furniture import PICTURE
from tests.admin.pages import signed_in, text_of
from tests.factories import AT, make_customer, make_staff, policies
from tests.factories.desk import approve, ask_for_refund, completed, decision_in_review, order_in_review, started
from tests.factories.refills import refill_of, refillable
from tests.support import asking

pytestmark = pytest.mark.django_db

ROLES: Final = ("anonymous", "owner", "other", "agent", "approver", "manager")
_ASKED: Final = {"_asked": "1"}


@dataclass(frozen=True)
class Row:
    """One address: what each role gets by GET and by POST, in the order of ROLES. `about` names what it is about."""

    name: str
    get: str
    post: str
    about: tuple[str, ...] = ()
    given: Mapping[str, object] = field(default_factory=lambda: _ASKED)
    query: Mapping[str, str] = field(default_factory=dict)


# What is everybody's own, what is the owner's alone, what staff may from which group on, and what nobody may.
_EVERYBODY = "in 200 200 200 200 200"
_OWNER = "in 200 404 404 404 404"
_OWNER_SENDS = "in 422 404 404 404 404"
_NOT_SO = "in 405 405 405 405 405"
_STAFF = "in in in 200 200 200"
_STAFF_DID = "in in in 302 302 302"
_APPROVER = "in in in 403 200 200"
_MANAGER = "in in in 403 403 200"
_NOBODY = "in in in 403 403 403"


def _read_only(model: str, about: str, who: str = _STAFF) -> list[Row]:
    """Return the rows of a page that staff may look at and nobody edits."""
    return [
        Row(f"admin:{model}_changelist", who, who),
        Row(f"admin:{model}_change", who, _NOBODY, (about,)),
        Row(f"admin:{model}_history", who, who, (about,)),
        Row(f"admin:{model}_add", _NOBODY, _NOBODY),
        Row(f"admin:{model}_delete", _NOBODY, _NOBODY, (about,)),
    ]


def _actions(model: str, about: str, **answers: str) -> list[Row]:
    """Return the rows of actions: what their form page answers, and the same for a form without what it asks for."""
    return [
        Row(f"admin:{model}_{name}", who.split(":")[0], who.split(":")[-1], (about,)) for name, who in answers.items()
    ]


TABLE: Final = [
    # Customers' pages: each sees his own, and staff see theirs as anybody else; a file is for staff too.
    Row("refund-requests", _EVERYBODY, _NOT_SO),
    Row("refund-request-new", _OWNER, "in 409 404 404 404 404", query={"order": "order"}),
    Row("refund-request-quote", "in 302 302 302 302 302", _NOT_SO, query={"order": "order"}),
    Row("refund-request", _OWNER, _NOT_SO, ("request",)),
    Row("refund-request-message", _NOT_SO, _OWNER_SENDS, ("request",)),
    Row("refund-request-expedite", _NOT_SO, _OWNER_SENDS, ("request",)),
    Row("refund-request-withdraw", "in 302 404 404 404 404", "in 302 404 404 404 404", ("review",)),
    Row("refund-file", "in 200 404 200 200 200", _NOT_SO, ("request", "file")),
    Row("order-refill", "in 200 404 404 404 404", "in 302 404 404 404 404", ("refillable",)),
    Row("tickets", _EVERYBODY, _NOT_SO),
    Row("ticket-new", _EVERYBODY, "in 409 409 409 409 409"),
    Row("ticket", _OWNER, _NOT_SO, ("ticket",)),
    Row("ticket-reply", _NOT_SO, "in 409 404 404 404 404", ("ticket",)),
    Row("ticket-settle", _NOT_SO, "in 302 404 404 404 404", ("ticket",)),
    Row("contact", "200 200 200 200 200 200", "405 405 405 405 405 405"),
    # The desk.
    *_read_only("refunds_refundrequest", "request"),
    *_actions(
        "refunds_refundrequest",
        "request",
        claim=f"{_STAFF}:{_STAFF_DID}",
        release=f"{_STAFF}:{_STAFF_DID}",
        ask_customer=_STAFF,
        note=_STAFF,
        refer=_STAFF,
        approve=_STAFF,
        approve_other=_STAFF,
        decline=_STAFF,
    ),
    *_actions("refunds_refundrequest", "recommended", confirm=_APPROVER, send_back=_STAFF),
    *_actions("orders_order", "order", open_request=_STAFF, ask_refill=_STAFF),
    *_read_only("orders_refill", "refill"),
    *_actions(
        "orders_refill",
        "refill",
        settle=_APPROVER,
        found_at_provider=_APPROVER,
        not_at_provider=_APPROVER,
    ),
    *_actions("accounts_user", "customer", change_standing=_MANAGER),
    *_read_only("refunds_decision", "decision"),
    *_read_only("refunds_policyversion", "policy"),
    # The policy laboratory.
    *_actions("refunds_policyversion", "policy", new_draft=f"{_MANAGER}:in in in 403 403 302"),
    *_actions("refunds_policyversion", "coming", withdraw=f"{_MANAGER}:in in in 403 403 302"),
    *_read_only("refunds_policydraft", "draft", _APPROVER),
    Row("admin:refunds_policydraft_clause", _MANAGER, _MANAGER, ("draft",), query={"clause": "place"}),
    *_actions(
        "refunds_policydraft",
        "draft",
        write=_MANAGER,
        backtest=f"{_APPROVER}:in in in 403 302 302",
        publish="in in in 403 403 302:in in in 403 403 302",  # it is not checked yet
        prove=f"{_MANAGER}:in in in 403 403 302",
        discard=f"{_MANAGER}:in in in 403 403 302",
    ),
    Row("admin:refunds_policydraft_start", _MANAGER, _MANAGER),
    *_read_only("refunds_policybacktest", "backtest", _APPROVER),
    *_actions("refunds_policybacktest", "backtest", call_off=f"{_APPROVER}:in in in 403 302 302"),
    # Support.
    *_read_only("support_ticket", "ticket"),
    *_actions(
        "support_ticket",
        "ticket",
        answer=_STAFF,
        note=_STAFF,
        claim=f"{_STAFF}:{_STAFF_DID}",
        assign=f"{_STAFF}:{_STAFF_DID}",
        close=_STAFF,
        reopen=_STAFF,
        refund=_STAFF,
    ),
    Row("admin:support_savedreply_changelist", _STAFF, _STAFF),
    Row("admin:support_savedreply_change", _STAFF, _MANAGER, ("reply",)),
    Row("admin:support_savedreply_history", _STAFF, _STAFF, ("reply",)),
    Row("admin:support_savedreply_add", _MANAGER, _MANAGER),
    Row("admin:support_savedreply_delete", _MANAGER, "in in in 403 403 302", ("reply",)),
]
# Actions on pages whose other addresses are not the desk's.
ELSEWHERE: Final = {
    "admin:orders_order_open_request",
    "admin:orders_order_ask_refill",
    "admin:accounts_user_change_standing",
    "order-refill",
}
# Evidence in disputes is no matter of the desk: tests.admin.test_evidence says who may do what.
NOT_OF_THE_DESK: Final = "admin/refunds/disputeevidence/"
OF_THE_DESK: Final = ("refunds/", "support/", "contact/", "admin/refunds/", "admin/support/", "admin/orders/refill/")


@dataclass(frozen=True)
class World:
    """What the addresses are about, and who asks."""

    rows: Mapping[str, int]
    people: Mapping[str, User | None]

    def address(self, row: Row) -> str:
        query = {name: str(self.rows[about]) for name, about in row.query.items()}
        return reverse(row.name, args=[self.rows[about] for about in row.about], query=query or None)


@pytest.fixture
def world() -> World:
    """Return a customer's orders, requests and tickets, and one of each kind of people."""
    ada = make_customer("ada", funds="100")
    request, review = ask_for_refund(started(ada), files=(PICTURE,)), order_in_review(ada)
    grace = make_staff("grace")
    tested = runs.ask(draft_id=policies.draft(grace).pk, since=running.LONG_AGO, until=AT, staff=grace, at=AT)
    recommended = approve(order_in_review(ada), make_staff("boss"), "2")
    ticket = asking.ask(ada)
    return World(
        rows={
            "order": completed(ada).pk,
            "request": request.pk,
            "file": 1,
            "review": review.pk,
            "recommended": recommended.pk,
            "decision": decision_in_review(review.order).pk,
            "policy": request.policy_version_id,
            "coming": policies.publish(grace, make_staff("boss"), start=AT.replace(year=2027)).pk,
            "draft": tested.draft_id,
            "backtest": tested.pk,
            "place": 0,
            "customer": ada.pk,
            "refillable": refillable(ada).pk,
            "refill": refill_of(refillable(ada)).pk,
            "ticket": ticket.pk,
            "reply": SavedReply.objects.create(title="Hello", text="Hello {name}").pk,
        },
        people={
            "anonymous": None,
            "owner": ada,
            "other": make_customer("mallory"),
            "agent": make_staff("hiro", "Agent"),
            "approver": make_staff("ida", "Approver"),
            "manager": make_staff("mona", "Manager"),
        },
    )


def browser(person: User | None) -> Client:
    return signed_in(person) if person else Client()


def answer_of(response: Any) -> str:
    """Return `in` for the way to the sign-in, and the status otherwise."""
    if response.status_code == 302 and "login" in response["Location"]:
        return "in"
    return str(response.status_code)


def said(response: Any) -> str:
    """Return a page without the tokens and numbers that are new in each answer."""
    return re.sub(r"[0-9A-Za-z]{32,}", "", text_of(response))


@pytest.mark.parametrize("role", ROLES)
def test_everybody_gets_from_every_address_what_the_table_says(world: World, role: str) -> None:
    client, place = browser(world.people[role]), ROLES.index(role)

    got, expected = {}, {}
    for row in TABLE:
        address = world.address(row)
        expected[row.name] = (row.get.split()[place], row.post.split()[place])
        got[row.name] = (answer_of(client.get(address)), answer_of(client.post(address, row.given)))

    assert got == expected


@pytest.mark.parametrize("role", ROLES)
def test_only_staff_approve_chosen_requests(world: World, role: str) -> None:
    address = reverse("admin:refunds_refundrequest_changelist")
    chosen = {"action": "approve_chosen", helpers.ACTION_CHECKBOX_NAME: [str(world.rows["review"])]}

    answer = answer_of(browser(world.people[role]).post(address, {**chosen, "_asked": "1", "note": "Fine"}))

    assert answer == ("200" if role in {"agent", "approver", "manager"} else "in")
    assert RefundRequest.objects.get(pk=world.rows["review"]).is_open


def test_what_was_tried_left_everything_as_it_was_where_it_was_refused(world: World) -> None:
    for role in ("anonymous", "other"):
        client = browser(world.people[role])
        for row in TABLE:
            client.post(world.address(row), row.given)

    assert all(one.is_open for one in RefundRequest.objects.all())
    assert Refill.objects.get().is_live
    assert not RefundRequest.objects.exclude(assignee=None).exists()
    assert Ticket.objects.get().state == "open"
    assert SavedReply.objects.count() == 1


def test_the_same_answer_for_what_is_anothers_and_what_there_is_not(world: World) -> None:
    client = browser(world.people["other"])

    for row in TABLE:
        if row.about and not row.name.startswith("admin:"):
            theirs = client.post(world.address(row), row.given)
            missing = [9_999_999, *(world.rows[about] for about in row.about[1:])]
            nobodys = client.post(reverse(row.name, args=missing), row.given)
            assert (theirs.status_code, said(theirs)) == (nobodys.status_code, said(nobodys)), row.name


def test_no_address_of_the_desk_is_missing_in_the_table() -> None:
    known = {row.name for row in TABLE}

    assert len(known) == len(TABLE)
    of_the_desk = [(path, name) for path, name in addresses() if not path.startswith(NOT_OF_THE_DESK)]
    assert known - ELSEWHERE == {name for path, name in of_the_desk if path.startswith(OF_THE_DESK)}


def addresses() -> Iterator[tuple[str, str]]:
    """Yield the path and the name of every address; the admin's nameless ones only lead on to named ones."""

    def walk(found: list[Any], path: str, space: str) -> Iterator[tuple[str, str]]:
        for one in found:
            if isinstance(one, URLResolver):
                inner = f"{space}{one.namespace}:" if one.namespace else space
                yield from walk(one.url_patterns, path + str(one.pattern), inner)
            elif isinstance(one, URLPattern) and (one.name or not space):
                yield path + str(one.pattern), f"{space}{one.name}"

    yield from walk(get_resolver().url_patterns, "", "")
