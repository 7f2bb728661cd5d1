import base64

import httpx
import pytest
import stripe

from panel.sandbox import payments
from panel.sandbox.payments import PaymentsSandbox


def test_lists_are_newest_first_and_come_in_pages(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    made = [sandbox.pay_unknown(1000 + number) for number in range(12)][::-1]

    first = api.v1.payment_intents.list()
    second = api.v1.payment_intents.list({"limit": 2, "starting_after": made[8]})
    back = api.v1.payment_intents.list({"limit": 2, "ending_before": made[5]})
    all_of_them = [intent.id for intent in api.v1.payment_intents.list({"limit": 5}).auto_paging_iter()]

    assert ([intent.id for intent in first.data], first.has_more) == (made[:10], True)
    assert ([intent.id for intent in second.data], second.has_more) == (made[9:11], True)
    assert ([intent.id for intent in back.data], back.has_more) == (made[3:5], True)
    assert all_of_them == made


def test_lists_are_filtered(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    early = sandbox.pay_unknown(1000)
    created = api.v1.payment_intents.retrieve(early).created
    sandbox.advance(3600)
    late = sandbox.pay_unknown(2000)
    charge = api.v1.charges.list({"payment_intent": late}).data[0]
    refund = sandbox.refund_by_hand(late)

    def intents(bound: str, instant: int) -> list[str]:
        return [each.id for each in api.v1.payment_intents.list({"created": {bound: instant}}).data]  # type: ignore[arg-type]

    assert intents("gt", created + 1) == [late]
    assert intents("gte", created) == [late, early]
    assert intents("lt", created) == []
    assert intents("lte", created + 1) == [early]
    assert [each.id for each in api.v1.refunds.list({"charge": charge.id}).data] == [refund]
    assert [each.amount for each in api.v1.balance_transactions.list({"source": charge.id}).data] == [2000]
    assert [each.net for each in api.v1.balance_transactions.list({"type": "refund"}).data] == [-2000]
    assert api.v1.balance_transactions.list({"currency": "eur"}).data == []


def test_objects_are_expanded_along_a_path(sandbox: PaymentsSandbox, api: stripe.StripeClient) -> None:
    intent = sandbox.pay_unknown(1000)
    sandbox.refund_by_hand(intent)

    page = api.v1.refunds.list({"expand": ["data.charge.balance_transaction", "data.payment_intent"]})

    (refund,) = page.data
    assert isinstance(refund.charge, stripe.Charge)
    assert isinstance(refund.charge.balance_transaction, stripe.BalanceTransaction)
    assert refund.charge.balance_transaction.fee == 59
    assert isinstance(refund.payment_intent, stripe.PaymentIntent)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        api.v1.payment_intents.retrieve(intent, {"expand": ["amount"]})
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        api.v1.payment_intents.retrieve(intent, {"expand": ["a.b.c.d.e.f"]})


def test_what_is_missing_is_a_404(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        api.v1.refunds.retrieve("re_none")
    with pytest.raises(stripe.InvalidRequestError) as cursor:
        api.v1.refunds.list({"starting_after": "re_none"})
    with pytest.raises(stripe.InvalidRequestError) as endpoint:
        api.v1.customers.list()

    assert str(missing.value.user_message) == "No such refund: 're_none'"
    assert (missing.value.http_status, missing.value.code, missing.value.param) == (404, "resource_missing", "id")
    assert (cursor.value.http_status, cursor.value.param) == (404, "starting_after")
    assert endpoint.value.http_status == 404
    assert "Unrecognized request URL (GET: /v1/customers)" in str(endpoint.value)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "color=red", "created[since]=5", "a[=1", "=1"])
def test_refuses_bad_queries(sandbox: PaymentsSandbox, query: str) -> None:
    with httpx.Client(trust_env=False) as http:
        answer = http.get(f"{sandbox.url}/v1/refunds?{query}", headers={"Authorization": f"Bearer {sandbox.key}"})

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_only_the_key_opens(sandbox: PaymentsSandbox) -> None:
    def status(authorization: str | None) -> int:
        headers = {} if authorization is None else {"Authorization": authorization}
        with httpx.Client(trust_env=False) as http:
            return http.get(f"{sandbox.url}/v1/refunds", headers=headers).status_code

    basic = base64.b64encode(f"{sandbox.key}:".encode()).decode()
    assert [status(f"Bearer {sandbox.key}"), status(f"Basic {basic}")] == [200, 200]
    assert [status(each) for each in (None, "Bearer", "Bearer sk_live_1", "Basic %%%", "Basic c2s6")] == [401] * 5
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": sandbox.url}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided"):
        stranger.v1.refunds.list()


def test_ids_repeat_exactly_for_the_same_seed() -> None:
    def made(seed: int) -> list[str]:
        with payments.serving(seed=seed) as sandbox:
            intent = sandbox.pay_unknown(1000)
            first = [intent, sandbox.refund_by_hand(intent)]
            sandbox.reset()
            again = sandbox.pay_unknown(1000)
            assert [again, sandbox.refund_by_hand(again)] == first
            return first

    assert made(7) == made(7)
    assert made(7) != made(8)
