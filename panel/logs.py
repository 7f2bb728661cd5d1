"""Logs: one JSON object a line on standard error, and one line per request.

Neither request bodies nor query strings are logged: an API key may be in either.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from structlog.typing import Processor

SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]

logger = logging.getLogger("panel.requests")


def logging_config(level: str) -> dict[str, Any]:
    """Return the dictConfig that sends every logger, ours or a library's, through one JSON formatter.

    Args:
        level: the lowest level that is written, such as "INFO".
    """
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.EventRenamer("message"),
                    structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Both log a request that our own line already covers, with the query string in it.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "ERROR", "propagate": True, "handlers": []},
            # Logs every address that it fetches; a provider's key may be in one.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            # Logs two lines for each call and, when debugging, what was sent: e-mail addresses among it.
            "stripe": {"level": "WARNING"},
            # Tells of every table of a font that a document takes in.
            "fontTools": {"level": "WARNING"},
        },
    }


class RequestLogMiddleware:
    """Give each request an id, log it once when it is answered, and send the id back as X-Request-ID."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; method, path, status and milliseconds are logged, query and body never."""
        begun = time.perf_counter()
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = offered if SANE_ID.fullmatch(offered) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        fields: dict[str, object] = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - begun) * 1000, 1),
        }
        # Only if the view has loaded the user already: a log line is not worth a query.
        user = getattr(request, "_cached_user", None)
        if user is not None and user.pk is not None:
            fields["user_id"] = user.pk
        logger.info("request", extra=fields)
        structlog.contextvars.clear_contextvars()
        return response
