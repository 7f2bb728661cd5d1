"""What each of Stripe's errors means: refused and why, try later, or unknown."""

import logging
from typing import Any

import pytest

from billing.gateways.base import OutcomeUnknown, RefundRequest, Refusal, Refused, TryLater
from billing.gateways.stripe import Stripe
from tests.billing.gateways.scripted import Reply, Scripted

INVALID = "invalid_request_error"
TOO_MUCH = "Refund amount ($20.00) is greater than unrefunded amount on charge ($5.00)"


@pytest.mark.parametrize(
    ("status", "error", "refusal"),
    [
        (400, {"type": INVALID, "code": "charge_already_refunded"}, Refusal.ALREADY_REFUNDED),
        (400, {"type": INVALID, "param": "amount", "message": TOO_MUCH}, Refusal.ALREADY_REFUNDED),
        (400, {"type": INVALID, "code": "charge_disputed"}, Refusal.DISPUTED),
        (400, {"type": INVALID, "code": "refund_disputed_payment"}, Refusal.DISPUTED),
        (400, {"type": INVALID, "code": "balance_insufficient"}, Refusal.SHORT_OF_FUNDS),
        (402, {"type": "card_error", "code": "insufficient_funds"}, Refusal.SHORT_OF_FUNDS),
        (404, {"type": INVALID, "code": "resource_missing", "param": "payment_intent"}, Refusal.NOT_FOUND),
        (400, {"type": INVALID, "code": "resource_missing", "param": "payment_intent"}, Refusal.NOT_FOUND),
        (400, {"type": "idempotency_error", "message": "Keys for idempotent requests ..."}, Refusal.KEY_REUSED),
        (400, {"type": INVALID, "code": "a_code_of_tomorrow", "message": "No."}, Refusal.OTHER),
        (400, {"type": INVALID, "code": "parameter_unknown", "param": "colour"}, Refusal.OTHER),
        (400, {"type": INVALID, "param": "amount", "message": "Amount must be positive"}, Refusal.OTHER),
        (400, {"type": None, "code": None, "message": None}, Refusal.OTHER),
    ],
)
def test_refuses_what_stripe_definitely_did_not_do(
    stripe: Stripe, server: Scripted, leg: RefundRequest, status: int, error: dict[str, Any], refusal: Refusal
) -> None:
    server.say_error(status, **error)

    with pytest.raises(Refused) as refused:
        stripe.refund(leg)

    assert refused.value.refusal is refusal
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"type": INVALID, "code": "rate_limit"}),
        (429, {"type": INVALID, "code": "lock_timeout"}),
        (429, {"message": "Slow down."}),
        (400, {"type": INVALID, "code": "rate_limit"}),
    ],
)
def test_comes_back_later_when_stripe_is_too_busy(
    stripe: Stripe, server: Scripted, leg: RefundRequest, status: int, error: dict[str, Any]
) -> None:
    server.say_error(status, **error)

    with pytest.raises(TryLater, match="asks to come back later"):
        stripe.refund(leg)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"type": INVALID, "message": "Invalid API Key provided: sk_test_****ests"}),
        (403, {"type": INVALID, "message": "The provided key does not have the required permissions"}),
        (400, {"type": INVALID, "code": "livemode_mismatch"}),
        (
            404,
            {
                "type": INVALID,
                "code": "resource_missing",
                "param": "payment_intent",
                "message": "No such payment_intent: 'pi_anna'; a similar object exists in live mode, but a test mode "
                "key was used to make this request.",
            },
        ),
        (404, {"type": INVALID, "message": "Unrecognized request URL (POST: /v1/refunds)."}),
    ],
)
def test_keeps_a_refund_alive_when_our_own_configuration_is_wrong_and_says_so_loudly(
    stripe: Stripe,
    server: Scripted,
    leg: RefundRequest,
    caplog: pytest.LogCaptureFixture,
    status: int,
    error: dict[str, Any],
) -> None:
    server.say_error(status, **error)

    with pytest.raises(TryLater, match="does not accept this panel's configuration"):
        stripe.refund(leg)

    assert [record.levelno for record in caplog.records if "STRIPE_SECRET_KEY" in record.message] == [logging.ERROR]


@pytest.mark.parametrize("status", [409, 424, 500, 502, 503, 504, 302])
def test_does_not_know_what_happened_when_stripe_failed_or_is_still_at_it(
    stripe: Stripe, server: Scripted, leg: RefundRequest, status: int
) -> None:
    server.say_error(status, type="api_error", code="idempotency_key_in_use", message="Sorry.")

    with pytest.raises(OutcomeUnknown, match=f"HTTP {status}: Sorry"):
        stripe.refund(leg)

    assert len(server.asked) == 1


def test_says_when_an_error_is_the_stored_answer_to_the_key(
    stripe: Stripe, server: Scripted, leg: RefundRequest
) -> None:
    server.say_error(500, headers={"Idempotent-Replayed": "true"}, type="api_error", message="Sorry.")

    with pytest.raises(OutcomeUnknown, match=r"HTTP 500 \(its stored answer to this key\)"):
        stripe.refund(leg)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 502])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Blocked by the proxy</html>",
        b'{"id": "re_1"',
        b"null",
        b"[]",
        b'"re_1"',
        b"17",
        b"\xff\xfe",
        b'{"error": null}',
        b'{"error": "no"}',
        b'{"error": ["no"]}',
        b"[" * 100_000,
    ],
)
def test_does_not_know_what_happened_when_something_else_than_stripe_answers(
    stripe: Stripe, server: Scripted, leg: RefundRequest, status: int, body: bytes
) -> None:
    server.replies.append(Reply((body,) if body else (b" ",), status))

    with pytest.raises(OutcomeUnknown):
        stripe.refund(leg)

    assert len(server.asked) == 1


def test_shortens_words_and_keeps_them_on_one_line(stripe: Stripe, server: Scripted, leg: RefundRequest) -> None:
    server.say_error(400, type=INVALID, message="No.\r\n\x00" + "x" * 1000)

    with pytest.raises(Refused) as refused:
        stripe.refund(leg)

    assert str(refused.value) == "No. " + "x" * 295 + "…"
