import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from panel.sandbox.payments import PaymentsSandbox
from tests.sandbox.payments.conftest import Paying


def refund(api: stripe.StripeClient, intent: str, key: str, amount: int = 2000) -> stripe.Refund:
    return api.v1.refunds.create({"payment_intent": intent, "amount": amount}, {"idempotency_key": key})


def code_of(error: stripe.APIError) -> str:
    assert isinstance(error.json_body, dict)
    return str(error.json_body["error"]["code"])


def was_replayed(answer: stripe.StripeObject) -> bool:
    assert answer.last_response is not None
    return answer.last_response.headers.get("Idempotent-Replayed") == "true"


def test_the_same_key_gets_the_same_answer_again(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()

    first, second = refund(api, intent, "leg-1"), refund(api, intent, "leg-1")

    assert (first.id, was_replayed(first)) == (second.id, False)
    assert was_replayed(second)
    assert len(sandbox.refunds()) == 1


def test_the_answer_is_the_one_of_then_even_if_the_refund_has_failed_since(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    sandbox.move_refund(refund(api, intent, "leg-1").id, "failed")

    assert refund(api, intent, "leg-1").status == "succeeded"
    assert sandbox.refunds()[0]["status"] == "failed"


def test_two_keys_make_two_equal_refunds(sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying) -> None:
    intent = pay()

    assert refund(api, intent, "leg-1").id != refund(api, intent, "leg-2").id
    assert len(sandbox.refunds()) == 2


def test_a_key_belongs_to_its_parameters_and_its_endpoint(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    refund(api, intent, "leg-1")

    with pytest.raises(stripe.IdempotencyError, match="same parameters") as other_parameters:
        refund(api, intent, "leg-1", amount=2001)
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        api.v1.checkout.sessions.expire("cs_test_none", {}, {"idempotency_key": "leg-1"})

    assert other_parameters.value.http_status == 400
    assert len(sandbox.refunds()) == 1


def test_a_key_is_forgotten_after_a_day_of_the_clock(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    refund(api, intent, "leg-1")

    sandbox.advance(24 * 3600 - 60)
    just_before = was_replayed(refund(api, intent, "leg-1"))
    sandbox.advance(120)
    just_after = was_replayed(refund(api, intent, "leg-1"))

    assert (just_before, just_after) == (True, False)
    assert len(sandbox.refunds()) == 2


def test_a_refusal_is_kept_but_a_request_that_never_began_is_not(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    sandbox.open_dispute(intent)

    with pytest.raises(stripe.InvalidRequestError):
        refund(api, intent, "began")
    with pytest.raises(stripe.InvalidRequestError):
        refund(api, intent, "never-began", amount=0)
    sandbox.move_dispute(sandbox.disputes()[0]["id"], "won")
    with pytest.raises(stripe.InvalidRequestError) as replayed:
        refund(api, intent, "began")
    made = refund(api, intent, "never-began")

    assert replayed.value.code == "charge_disputed"
    assert replayed.value.headers is not None
    assert replayed.value.headers["Idempotent-Replayed"] == "true"
    assert (made.amount, was_replayed(made)) == (2000, False)


def test_a_key_in_use_is_refused_until_the_first_request_is_through(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()
    sandbox.fault("slow", seconds=2, times=1)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(refund, api, intent, "leg-1")
        while sandbox.faults.left():
            time.sleep(0.01)
        with pytest.raises(stripe.APIError) as conflict:
            refund(api, intent, "leg-1")
        made = first.result()

    assert (conflict.value.http_status, code_of(conflict.value)) == (409, "idempotency_key_in_use")
    assert refund(api, intent, "leg-1").id == made.id
    assert len(sandbox.refunds()) == 1


def test_many_at_once_with_one_key_make_one_refund(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()

    def attempt(_: int) -> str:
        try:
            return refund(api, intent, "leg-1").id
        except stripe.APIError as conflict:
            return code_of(conflict)

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(attempt, range(40)))

    assert len(sandbox.refunds()) == 1
    assert answers - {"idempotency_key_in_use"} == {sandbox.refunds()[0]["id"]}


def test_many_at_once_never_refund_more_than_the_charge(
    sandbox: PaymentsSandbox, api: stripe.StripeClient, pay: Paying
) -> None:
    intent = pay()

    def attempt(number: int) -> int:
        try:
            return refund(api, intent, f"leg-{number}", amount=1500).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        refunded = list(pool.map(attempt, range(24)))

    assert sum(refunded) == sum(each["amount"] for each in sandbox.refunds()) == 4500


def test_a_key_may_not_be_longer_than_255_characters(api: stripe.StripeClient, pay: Paying) -> None:
    intent = pay()

    with pytest.raises(stripe.IdempotencyError):
        refund(api, intent, "x" * 256)
    assert refund(api, intent, "x" * 255).amount == 2000
