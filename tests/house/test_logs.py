"""What reaches the logs, and above all what does not."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from panel import logs

KEY = "mk_live_0123456789abcdef"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The lines of the root logger through the formatter of production."""
    config = logs.logging_config("INFO")["formatters"]["json"]
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=config["foreign_pre_chain"], processors=config["processors"]
        )
    )
    root = logging.getLogger()
    before, root.level = root.level, logging.INFO
    root.addHandler(handler)
    yield handler.stream
    root.removeHandler(handler)
    root.level = before


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def answer(_request: HttpRequest) -> HttpResponse:
    logging.getLogger("some.library").warning("half of %s", "it")
    return HttpResponse(status=418)


def test_writes_one_json_line_for_a_request_without_query_or_body(written: io.StringIO) -> None:
    request = RequestFactory().post(f"/api/v2?key={KEY}", {"key": KEY, "action": "balance"})

    logs.RequestLogMiddleware(answer)(request)

    line = lines(written)[-1]
    assert (line["method"], line["path"], line["status"], line["message"]) == ("POST", "/api/v2", 418, "request")
    assert line["ms"] >= 0
    assert KEY not in written.getvalue()


def test_gives_each_line_of_a_request_the_id_that_is_sent_back(written: io.StringIO) -> None:
    response = logs.RequestLogMiddleware(answer)(RequestFactory().get("/orders/"))

    library, request = lines(written)
    assert library["message"] == "half of it"
    assert library["request_id"] == request["request_id"] == response.headers["X-Request-ID"]
    assert len(request["request_id"]) == 32


def test_keeps_an_id_that_the_proxy_gave_if_it_is_sane(written: io.StringIO) -> None:
    middleware = logs.RequestLogMiddleware(answer)

    kept = middleware(RequestFactory().get("/", headers={"X-Request-ID": "proxy-17.2026_11"}))
    replaced = middleware(RequestFactory().get("/", headers={"X-Request-ID": 'no"\x1b[31m'}))

    assert kept.headers["X-Request-ID"] == "proxy-17.2026_11"
    assert "\x1b" not in replaced.headers["X-Request-ID"]
    assert written.getvalue().count("proxy-17.2026_11") == 2


def test_writes_the_trace_of_an_error_into_the_same_line(written: io.StringIO) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("panel").exception("could not divide")

    (line,) = lines(written)
    assert line["level"] == "error"
    assert "ZeroDivisionError" in line["exception"]
