"""`/metrics`: the panel's numbers in Prometheus' text format, read from the database at each scrape.

Each room supplies its own: `settings.METRIC_SOURCES` names functions that return samples. A fresh registry a scrape
holds no state of the process, so that any of many web processes may answer.
"""

from collections.abc import Iterable, Iterator

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from panel.kernel.metrics import Sample

log = structlog.get_logger()


class Sources(Collector):
    """Collects the samples of every source; of one that fails, only that it did (`makegood_source_up` 0)."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def collect(self) -> Iterator[Metric]:
        """Yield one metric a name, with its samples from all sources."""
        found: dict[str, Metric] = {}
        for name in self.names:
            samples, up = _samples(name)
            health = Sample("makegood_source_up", "Whether a source of metrics could be read.", up, {"source": name})
            for sample in (*samples, health):
                metric = found.setdefault(sample.name, Metric(sample.name, sample.help, "gauge"))
                metric.add_sample(sample.name, dict(sample.labels), sample.value)
        yield from found.values()


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all numbers to whoever shows the token of `METRICS_TOKEN`.

    Without that variable the address is open in the sandbox, in development and in tests, and 404 in production.
    """
    if not settings.METRICS_TOKEN and not (settings.SANDBOX or settings.DEBUG or settings.TESTING):
        raise Http404
    if settings.METRICS_TOKEN and not _shows_token(request):
        return HttpResponse("Unauthorized\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    registry.register(Sources(settings.METRIC_SOURCES))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _samples(name: str) -> tuple[list[Sample], float]:
    try:
        return list(import_string(name)()), 1.0
    except Exception:
        log.exception("metric_source_failed", source=name)
        return [], 0.0


def _shows_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(token.strip(), settings.METRICS_TOKEN)
