"""The attention queue: settled by people, once, with a reason. Refund requests have a queue of their own."""

import pytest
from django.db import transaction

from orders import attention
from orders.attention import Concern
from orders.models import AttentionItem, AttentionKind, Order, OrderStatus, Submission, SubmissionState
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_provider, make_service, make_staff, move, place_order

pytestmark = pytest.mark.django_db


def filed(kind: AttentionKind = AttentionKind.UNKNOWN_STATUS) -> AttentionItem:
    provider = make_provider()
    order = place_order(make_customer(funds="50"), make_service(provider=provider))
    if kind == AttentionKind.SUBMISSION_UNKNOWN:
        move(order, OrderStatus.PROCESSING)
        Submission.objects.create(
            order=order, provider=provider, state=SubmissionState.UNKNOWN, called_at=AT, claimed_at=AT
        )
    with transaction.atomic():
        attention.file([Concern(kind, "the provider says <Odd>", order.pk, report={"status": "<Odd>"})], AT)
    return AttentionItem.objects.get(order=order)


class TestAttention:
    def test_shows_open_items_with_their_report_escaped(self) -> None:
        item, client = filed(), signed_in(make_staff())

        assert list(client.get(listing("orders_attentionitem")).context["cl"].result_list) == [item]
        page = text_of(client.get(detail("orders_attentionitem", item.pk)))

        assert "&quot;status&quot;: &quot;&lt;Odd&gt;&quot;" in page
        assert "<Odd>" not in page

    def test_sends_a_refused_order_again_and_closes_the_item(self) -> None:
        item, staff = filed(AttentionKind.SUBMISSION_REFUSED), make_staff()
        client = signed_in(staff)
        assert item.order is not None
        Order.objects.filter(pk=item.order.pk).update(submit_due_at=None)

        said(client, submit(client, action("orders_attentionitem", "send_again", item.pk)))

        item.refresh_from_db()
        item.order.refresh_from_db()
        assert (item.resolution, item.resolved_by) == ("Sent again", staff)
        assert item.order.submit_due_at is not None

    def test_refuses_to_send_again_what_is_not_pending(self) -> None:
        item, client = filed(AttentionKind.SUBMISSION_REFUSED), signed_in(make_staff())
        assert item.order is not None
        move(item.order, OrderStatus.PROCESSING)

        page = text_of(submit(client, action("orders_attentionitem", "send_again", item.pk)))

        item.refresh_from_db()
        assert "not waiting to be sent" in page
        assert item.resolved_at is None

    def test_resolves_with_what_was_decided_and_leaves_the_queue(self) -> None:
        item, staff = filed(), make_staff()
        client = signed_in(staff)
        address = action("orders_attentionitem", "resolve", item.pk)

        assert "resolution" in submit(client, address, {"resolution": " "}).context["form"].errors
        said(client, submit(client, address, {"resolution": "asked the provider"}))

        item.refresh_from_db()
        assert (item.resolution, item.resolved_by) == ("asked the provider", staff)
        assert not client.get(listing("orders_attentionitem")).context["cl"].result_list
        assert client.get(detail("orders_attentionitem", item.pk)).context["actions_detail"] == []

    def test_the_second_to_resolve_is_told_so(self) -> None:
        item, client = filed(), signed_in(make_staff())
        attention.resolve(item_id=item.pk, staff=make_staff(), resolution="done", at=AT)

        answer = submit(client, action("orders_attentionitem", "resolve", item.pk), {"resolution": "mine"})

        assert "This was resolved already." in text_of(answer)
        item.refresh_from_db()
        assert item.resolution == "done"

    def test_an_unknown_submission_was_found_at_the_provider(self) -> None:
        item, client = filed(AttentionKind.SUBMISSION_UNKNOWN), signed_in(make_staff())
        buttons = client.get(detail("orders_attentionitem", item.pk)).context["actions_detail"]
        assert [button["title"] for button in buttons] == ["Found at the provider…", "Not there…"]
        address = action("orders_attentionitem", "found_at_provider", item.pk)

        assert "provider_order_id" in submit(client, address, {"provider_order_id": ""}).context["form"].errors
        page = said(client, submit(client, address, {"provider_order_id": "4711"}))

        assert "number 4711" in page
        assert Order.objects.get(attention_items=item).provider_order_id == "4711"
        item.refresh_from_db()
        assert item.resolved_at is not None

    def test_an_unknown_submission_was_not_there_and_waits_to_be_sent_again(self) -> None:
        item, client = filed(AttentionKind.SUBMISSION_UNKNOWN), signed_in(make_staff())

        said(client, submit(client, action("orders_attentionitem", "not_at_provider", item.pk)))

        order = Order.objects.get(attention_items=item)
        assert order.status == OrderStatus.PENDING
        assert order.submit_due_at is not None
        assert order.submissions.get().state == SubmissionState.NOT_SENT

    def test_the_second_to_settle_a_submission_is_told_so(self) -> None:
        item, client = filed(AttentionKind.SUBMISSION_UNKNOWN), signed_in(make_staff())
        address = action("orders_attentionitem", "found_at_provider", item.pk)
        submit(client, action("orders_attentionitem", "not_at_provider", item.pk))

        answer = submit(client, address, {"provider_order_id": "4711"})

        assert "No submission of this order is unknown any more." in text_of(answer)
        assert Order.objects.get(attention_items=item).provider_order_id == ""

    def test_only_unknown_submissions_are_asked_about(self) -> None:
        item, client = filed(), signed_in(make_staff())

        buttons = client.get(detail("orders_attentionitem", item.pk)).context["actions_detail"]

        assert [button["title"] for button in buttons] == ["Resolve…"]

    def test_who_may_only_look_settles_nothing(self) -> None:
        item = filed(AttentionKind.SUBMISSION_UNKNOWN)
        client = signed_in(clerk("orders.view_attentionitem"))

        assert client.get(detail("orders_attentionitem", item.pk)).context["actions_detail"] == []
        for name in ("resolve", "found_at_provider", "not_at_provider"):
            assert client.post(action("orders_attentionitem", name, item.pk), {"_asked": "1"}).status_code == 403
        item.refresh_from_db()
        assert item.resolved_at is None
