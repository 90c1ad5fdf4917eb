"""Numbers for Prometheus and KEDA: ``/metrics`` and ``/metrics/desired/<worker class>``.

Owns the names of the metrics and who may read them; `measures` counts. Every metric is a gauge that
is read at the scrape: web processes come and go, and none of them keeps a counter. "hour" and "day"
in a name is the time before the scrape, "today" begins at midnight UTC.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from apps.insights.measures import (
    WAIT_STEPS_SECONDS,
    Measures,
    desired_workers,
    measures,
    worker_classes,
)

_NO_STORE: Final = {"Cache-Control": "no-store"}
_FORWARDED: Final = ("X-Forwarded-For", "X-Real-Ip", "Forwarded")

_View = Callable[..., HttpResponse]


def for_watchers(view: _View) -> _View:
    """Admit who knows PACKSHOT_METRICS_TOKEN; where there is none, processes of this machine."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: str) -> HttpResponse:
        if settings.METRICS_TOKEN:
            given = request.headers.get("Authorization", "")
            if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
                return _refused(401, "Send the header Authorization: Bearer PACKSHOT_METRICS_TOKEN")
        elif not _is_from_here(request):
            return _refused(403, "Set PACKSHOT_METRICS_TOKEN to read metrics from elsewhere")
        return view(request, **arguments)

    return guarded


@require_GET
@for_watchers
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in the exposition format that the caller asks for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry()
    registry.register(_Answer(measures()))
    return HttpResponse(encode(registry), content_type=content_type, headers=_NO_STORE)


@require_GET
@for_watchers
def desired(request: HttpRequest, worker_class: str) -> HttpResponse:
    """Answer ``{"desired": n}`` for KEDA's scaler *metrics-api*.

    503 while nobody decides: then KEDA counts a failure and, after some, keeps what there is.
    """
    known = worker_classes()
    if worker_class not in known:
        return _refused(404, f"There is no such worker class; there are {', '.join(known)}")
    number = desired_workers(worker_class)
    if number is None:
        return _refused(503, f"No conductor decides about workers of the class {worker_class!r}")
    return JsonResponse({"desired": number}, headers=_NO_STORE)


class _Answer(Collector):
    """One scrape's numbers as metrics."""

    def __init__(self, numbers: Measures) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, in a fixed order."""
        leads = GaugeMetricFamily("packshot_conductor_leads", "Whether a conductor runs (1).")
        leads.add_metric([], float(self._numbers.conductor_leads))
        yield leads
        yield from self._fleet()
        yield from self._backlog()
        yield from self._ledger()
        yield from self._ended()
        yield from self._promises()

    def _fleet(self) -> Iterator[Metric]:
        by_class = ["worker_class"]
        workers = GaugeMetricFamily(
            "packshot_workers", "Workers that are paid for.", labels=[*by_class, "state"]
        )
        target = GaugeMetricFamily(
            "packshot_workers_desired",
            "Workers there should be, by the last decision.",
            labels=by_class,
        )
        for one in self._numbers.classes:
            for state in ("starting", "idle", "busy", "draining"):
                workers.add_metric([one.worker_class, state], getattr(one, state))
            if one.target is not None:
                target.add_metric([one.worker_class], one.target)
        yield workers
        yield target
        for name, words in (
            ("launched", "Workers launched within the last hour."),
            ("drained", "Workers told to leave within the last hour."),
            ("lost", "Workers lost within the last hour."),
        ):
            family = GaugeMetricFamily(f"packshot_workers_{name}_hour", words, labels=by_class)
            for change in self._numbers.changes:
                family.add_metric([change.worker_class], getattr(change, name))
            yield family

    def _backlog(self) -> Iterator[Metric]:
        items = GaugeMetricFamily(
            "packshot_backlog_items", "Accepted work that has not ended.", labels=["lane", "state"]
        )
        oldest = GaugeMetricFamily(
            "packshot_oldest_wait_seconds",
            "How long the oldest queued work has waited.",
            labels=["lane"],
        )
        for one in self._numbers.classes:
            for lane in one.lanes:
                items.add_metric([lane.lane, "queued"], lane.queued)
                items.add_metric([lane.lane, "in_flight"], lane.in_flight)
                oldest.add_metric([lane.lane], lane.oldest_wait_seconds)
        yield items
        yield oldest

    def _ledger(self) -> Iterator[Metric]:
        seconds = GaugeMetricFamily(
            "packshot_worker_seconds_today",
            "Paid worker-seconds since midnight UTC, by what they went into.",
            labels=["worker_class", "part"],
        )
        cost = GaugeMetricFamily(
            "packshot_worker_cost_minor_today",
            "Cost of workers since midnight UTC, in minor units of the currency.",
            labels=["worker_class", "currency"],
        )
        for worker_class, ledger in self._numbers.today.items():
            for part in ("start", "load", "active", "idle"):
                seconds.add_metric([worker_class, part], getattr(ledger, f"{part}_seconds"))
            cost.add_metric([worker_class, ledger.currency], ledger.cost_minor)
        yield seconds
        yield cost

    def _ended(self) -> Iterator[Metric]:
        ended = self._numbers.ended
        yield _labeled(
            "packshot_renders_hour",
            "Renders that ended within the last hour.",
            "outcome",
            ended.by_outcome,
        )
        names = [*(f"{step}.0" for step in WAIT_STEPS_SECONDS), "+Inf"]
        yield GaugeHistogramMetricFamily(
            "packshot_wait_seconds",
            "Seconds from order to start, of renders that ended within the last hour.",
            buckets=list(zip(names, ended.waits, strict=True)),
            gsum_value=ended.waited_seconds,
        )

    def _promises(self) -> Iterator[Metric]:
        promises = self._numbers.promises
        yield _labeled(
            "packshot_promise_kept_share",
            "Share of orders that were done by the shown time, of those done within a day.",
            "quantile",
            {
                name: share
                for name, share in (("0.5", promises.within_p50), ("0.9", promises.within_p90))
                if share is not None
            },
        )
        orders = GaugeMetricFamily(
            "packshot_promised_orders_day", "Orders that this share was taken of, 500 at most."
        )
        orders.add_metric([], promises.orders)
        yield orders


def _labeled(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _is_from_here(request: HttpRequest) -> bool:
    """Return whether a process of this machine asks for itself, and not for somebody behind it."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _refused(status: int, words: str) -> HttpResponse:
    headers = _NO_STORE | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    return JsonResponse({"error": words}, status=status, headers=headers)
