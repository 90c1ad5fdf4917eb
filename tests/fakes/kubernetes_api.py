"""A Kubernetes API server on a local port: the real paths, one namespace, and its controllers.

It keeps Deployments and their pods, checks tokens, roles and resource versions, answers in the
server's own words, records every request, and plays the Deployment's controller: pods are created
and removed as the ReplicaSet controller of Kubernetes 1.37 ranks them. Faults are planted by hand.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

COST = "controller.kubernetes.io/pod-deletion-cost"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, in the words of a Role."""

    verb: str
    group: str
    resource: str
    name: str
    body: Json | None = None


@dataclass(slots=True)
class Refusal(Exception):
    """An answer of another status than 200."""

    status: int
    reason: str


@dataclass
class FakeKubernetes:
    """The cluster. Its methods may be called from any thread."""

    namespace: str = "shop"
    token: str = ""
    rules: list[Json] | None = None
    """Rules of a Role; None allows everything."""
    controller_seconds: float = 0.0
    """How long the controllers take to act; infinite: until `reconcile` is called."""
    asked: list[Asked] = field(default_factory=list)
    deployments: dict[str, Json] = field(default_factory=dict)
    pods: dict[str, Json] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    """Pods that were told to end, in this order."""
    most_pods: int = 1000
    """The namespace's quota."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._faults: list[Callable[[Asked], None]] = []
        self._numbers = count(1)
        self._began = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self._timers: list[threading.Timer] = []

    # What a test does

    def add_deployment(
        self,
        worker_class: str,
        engine: str,
        *,
        replicas: int = 0,
        spot: bool = False,
        **notes: str,
    ) -> str:
        """Apply a Deployment of workers, and have its pods running. Return its name."""
        name = f"packshot-worker-{worker_class}{'-spot' if spot else ''}"
        labels = {
            "app.kubernetes.io/part-of": "packshot",
            "app.kubernetes.io/component": "worker",
            "packshot/worker-class": worker_class,
            "packshot/engine": engine,
            "packshot/spot": "true" if spot else "false",
        }
        self.deployments[name] = {
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "resourceVersion": self._version(),
                "annotations": {f"packshot/{key.replace('_', '-')}": notes[key] for key in notes},
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "worker", "image": "packshot"}]},
                },
            },
        }
        self.reconcile()
        self.get_ready()
        return name

    def get_ready(self, *names: str) -> None:
        """Have pods (all, if none is named) scheduled, started and found ready."""
        with self._lock:
            for name in names or tuple(self.pods):
                self.pods[name]["spec"]["nodeName"] = f"node-{len(name) % 3}"
                self.pods[name]["status"] = {
                    "phase": "Running",
                    "conditions": [
                        {"type": "Ready", "status": "True"},
                    ],
                }

    def leave(self, name: str) -> None:
        """Have a pod's process end."""
        with self._lock:
            self.pods.pop(name)
        self._later()

    def scale(self, deployment: str, replicas: int) -> None:
        """Set the replicas as a person would, or KEDA."""
        with self._lock:
            self._write_replicas(self.deployments[deployment], replicas)
        self._later()

    def replicas(self, deployment: str) -> int:
        """Return the replicas asked for."""
        return int(self.deployments[deployment]["spec"]["replicas"])

    def alive(self, deployment: str = "") -> list[str]:
        """Return the pods that were not told to end."""
        return [
            name
            for name, pod in self.pods.items()
            if name.startswith(deployment) and "deletionTimestamp" not in pod["metadata"]
        ]

    def refuse(self, status: int, *, times: int = 1, verb: str = "") -> None:
        """Answer the next requests (with this verb) with a status."""
        left = count(1)

        def fault(asked: Asked) -> None:
            if verb in ("", asked.verb) and next(left) <= times:
                raise Refusal(status, "planted")

        self._faults.append(fault)

    def before(self, verb: str, act: Callable[[], None], *, times: int = 1) -> None:
        """Do something just before requests with a verb are carried out."""
        left = count(1)

        def fault(asked: Asked) -> None:
            if asked.verb == verb and next(left) <= times:
                act()

        self._faults.append(fault)

    def sleep(self, seconds: float) -> None:
        """Answer the next requests late."""
        self._faults.append(lambda _: time.sleep(seconds))

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free port. Yield the address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            for timer in self._timers:
                timer.cancel()

    # What its controllers do

    def reconcile(self) -> None:
        """Create what is missing and remove what is too much."""
        with self._lock:
            for deployment in self.deployments.values():
                name = deployment["metadata"]["name"]
                alive = [self.pods[each] for each in self.alive(f"{name}-f00d-")]
                surplus = len(alive) - deployment["spec"]["replicas"]
                for pod in sorted(alive, key=_ranked)[: max(0, surplus)]:
                    self._tell_to_end(pod, None)
                for _ in range(min(-surplus, self.most_pods - len(self.pods))):
                    self._create(deployment)

    def _create(self, deployment: Json) -> None:
        number = next(self._numbers)
        name = f"{deployment['metadata']['name']}-f00d-{number:05x}"
        self.pods[name] = {
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "uid": f"uid-{number}",
                "labels": dict(deployment["spec"]["template"]["metadata"]["labels"]),
                "creationTimestamp": _instant(self._began + timedelta(seconds=number)),
            },
            "spec": {"containers": [{"name": "worker", "image": "packshot"}]},
            "status": {"phase": "Pending"},
        }

    def _tell_to_end(self, pod: Json, grace: int | None) -> None:
        name = pod["metadata"]["name"]
        if "deletionTimestamp" not in pod["metadata"]:
            self.killed.append(name)
            pod["metadata"]["deletionTimestamp"] = _instant(self._began)
        if grace == 0:
            self.pods.pop(name)

    def _later(self) -> None:
        if self.controller_seconds == 0:
            self.reconcile()
        elif self.controller_seconds < 60:
            timer = threading.Timer(self.controller_seconds, self.reconcile)
            timer.daemon = True
            self._timers.append(timer)
            timer.start()

    # What the API server does

    def answer(self, method: str, target: str, headers: Json, body: Json | None) -> Json:
        """Return the answer to a request. Raises `Refusal`."""
        parts = urlsplit(target)
        steps = parts.path.strip("/").split("/")
        is_core = steps[0] == "api"
        tail = steps[2:] if is_core else steps[3:]
        if tail[:2] != ["namespaces", self.namespace]:
            raise Refusal(403, "Forbidden")
        resource, name = "/".join([tail[2], *tail[4:]]), tail[3] if len(tail) > 3 else ""
        verb = {"GET": "get" if name else "list"}.get(method, method.lower())
        asked = Asked(verb, "" if is_core else steps[1], resource, name, body)
        self.asked.append(asked)
        if self.token and headers.get("authorization", "").lower() != f"bearer {self.token}":
            raise Refusal(401, "Unauthorized")
        if not self._allows(asked):
            raise Refusal(403, "Forbidden")
        for fault in tuple(self._faults):
            fault(asked)
        if verb == "patch" and headers.get("content-type") != "application/merge-patch+json":
            raise Refusal(415, "UnsupportedMediaType")
        with self._lock:
            return self._done(asked, parse_qs(parts.query))

    def _allows(self, asked: Asked) -> bool:
        return self.rules is None or any(
            asked.group in rule["apiGroups"]
            and asked.resource in rule["resources"]
            and asked.verb in rule["verbs"]
            and asked.name in rule.get("resourceNames", [asked.name])
            for rule in self.rules
        )

    def _done(self, asked: Asked, query: dict[str, list[str]]) -> Json:
        match (asked.verb, asked.resource):
            case ("list", "pods"):
                return self._listed(query.get("labelSelector", [""])[0])
            case ("get", "deployments"):
                return {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    **self._known(self.deployments, asked.name),
                }
            case ("get", "deployments/scale"):
                return self._scale_of(self._known(self.deployments, asked.name))
            case ("patch", "deployments/scale"):
                return self._patched_scale(asked)
            case ("patch", "pods"):
                pod = self._known(self.pods, asked.name)
                _merge(pod, asked.body or {})
                return {"apiVersion": "v1", "kind": "Pod", **pod}
            case ("delete", "pods"):
                return self._deleted(asked)
        raise Refusal(405, "MethodNotAllowed")

    def _listed(self, selector: str) -> Json:
        wanted = dict(each.split("=", 1) for each in selector.split(",") if each)
        items = [
            pod for pod in self.pods.values() if wanted.items() <= pod["metadata"]["labels"].items()
        ]
        return {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}

    def _patched_scale(self, asked: Asked) -> Json:
        deployment = self._known(self.deployments, asked.name)
        body = asked.body or {}
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, deployment["metadata"]["resourceVersion"]):
            raise Refusal(409, "Conflict")
        self._write_replicas(deployment, body["spec"]["replicas"])
        self._later()
        return self._scale_of(deployment)

    def _deleted(self, asked: Asked) -> Json:
        pod = self._known(self.pods, asked.name)
        options = asked.body or {}
        uid = options.get("preconditions", {}).get("uid")
        if uid not in (None, pod["metadata"]["uid"]):
            raise Refusal(409, "Conflict")
        self._tell_to_end(pod, options.get("gracePeriodSeconds"))
        self._later()
        return {"apiVersion": "v1", "kind": "Pod", **pod}

    def _scale_of(self, deployment: Json) -> Json:
        meta = deployment["metadata"]
        return {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {key: meta[key] for key in ("name", "namespace", "resourceVersion")},
            "spec": {"replicas": deployment["spec"]["replicas"]},
            "status": {"replicas": len(self.alive(f"{meta['name']}-f00d-"))},
        }

    def _write_replicas(self, deployment: Json, replicas: int) -> None:
        deployment["spec"]["replicas"] = replicas
        deployment["metadata"]["resourceVersion"] = self._version()

    def _version(self) -> str:
        return str(next(self._numbers))

    @staticmethod
    def _known(kept: dict[str, Json], name: str) -> Json:
        if name not in kept:
            raise Refusal(404, "NotFound")
        return kept[name]


def _ranked(pod: Json) -> tuple[bool, int, bool, int, float]:
    """Return what the controller removes first, first: `ActivePodsWithRanks` of Kubernetes."""
    status = pod["status"]
    phases = ("Pending", "Unknown", "Running")
    is_ready = any(each["type"] == "Ready" for each in status.get("conditions", []))
    created_at = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    return (
        bool(pod["spec"].get("nodeName")),
        phases.index(status["phase"]),
        is_ready,
        int(pod["metadata"].get("annotations", {}).get(COST, "0")),
        -created_at.timestamp(),
    )


def _merge(kept: Json, patch: Json) -> None:
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        elif isinstance(value, dict):
            _merge(kept.setdefault(key, {}), value)
        else:
            kept[key] = value


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _handler(kubernetes: FakeKubernetes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are two writes: without this each answer waits 40 ms for an acknowledgment.
        disable_nagle_algorithm = True

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {key.lower(): value for key, value in self.headers.items()}
            try:
                status, answer = 200, kubernetes.answer(self.command, self.path, headers, body)
            except Refusal as refusal:
                status = refusal.status
                answer = {
                    "apiVersion": "v1",
                    "kind": "Status",
                    "status": "Failure",
                    "reason": refusal.reason,
                    "code": status,
                }
            text = json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            except OSError:
                self.close_connection = True

        do_GET = do_PATCH = do_DELETE = _handle  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Keep the tests' output clean."""

    return Handler
