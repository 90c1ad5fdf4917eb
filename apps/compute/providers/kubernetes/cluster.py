"""The few calls that a fleet makes to the Kubernetes API server, and what its refusals mean.

Owns timeouts, conflicts and the words of every error; knows nothing about workers but the label
their pods are listed by. ``deploy/kubernetes/base/rbac.yaml`` allows these calls and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
import urllib3
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from apps.compute.providers.base import ProviderUnavailable

WORKERS: Final = "app.kubernetes.io/part-of=packshot,app.kubernetes.io/component=worker"

_TIMEOUT: Final = (3.0, 5.0)
"""Seconds to connect, and to wait for an answer."""
_TRIES: Final = 5
"""Attempts at a change that others change at the same time."""
_MERGE: Final = "application/merge-patch+json"
_OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_Answer = TypeVar("_Answer")
_log = structlog.get_logger(__name__)


class Missing(ProviderUnavailable):
    """The API server knows no such object."""


class Conflict(ProviderUnavailable):
    """Somebody else changed the object in between."""


class Cluster:
    """One namespace of a cluster."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._api = api
        self._apps = client.AppsV1Api(api)
        self._core = client.CoreV1Api(api)

    def pods(self) -> Sequence[client.V1Pod]:
        """List the pods of all workers, in no order that means anything."""
        found = self._asked(self._core.list_namespaced_pod, self.namespace, label_selector=WORKERS)
        return found.items

    def deployment(self, name: str) -> client.V1Deployment | None:
        """Return a Deployment, if there is one of this name."""
        try:
            return self._asked(self._apps.read_namespaced_deployment, name, self.namespace)
        except Missing:
            return None

    def scale(self, deployment: str, change: Callable[[int], int]) -> None:
        """Change a Deployment's replicas from what they are, not from what they were."""
        where = (deployment, self.namespace)
        for _ in range(_TRIES):
            scale = self._asked(self._apps.read_namespaced_deployment_scale, *where)
            replicas = (scale.spec.replicas if scale.spec else None) or 0
            wanted = change(replicas)
            if wanted == replicas:
                return
            version = scale.metadata.resource_version if scale.metadata else None
            body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": wanted}}
            patch = self._apps.patch_namespaced_deployment_scale
            try:
                self._asked(patch, *where, body, _content_type=_MERGE)
            except Conflict:
                continue
            _log.info("replicas_changed", deployment=deployment, before=replicas, after=wanted)
            return
        raise ProviderUnavailable(
            f"Deployment {deployment} is changed by others all the time; "
            "remove its HorizontalPodAutoscaler, or set PACKSHOT_KUBERNETES_HAND=keda"
        )

    def annotate(self, pod: str, notes: Mapping[str, str]) -> None:
        """Set annotations of a pod; nothing happens if the pod is gone."""
        body = {"metadata": {"annotations": dict(notes)}}
        patch = self._core.patch_namespaced_pod
        try:
            self._asked(patch, pod, self.namespace, body, _content_type=_MERGE)
        except Missing:
            _log.info("pod_was_gone", pod=pod)

    def end(self, pod: str, uid: str, *, grace_seconds: int | None) -> None:
        """Delete a pod with its own grace period, or another; nothing happens if it is gone.

        A later pod of the same name has another uid and is left alone.
        """
        options = client.V1DeleteOptions(
            preconditions=client.V1Preconditions(uid=uid), grace_period_seconds=grace_seconds
        )
        try:
            self._asked(self._core.delete_namespaced_pod, pod, self.namespace, body=options)
        except (Missing, Conflict):
            _log.info("pod_was_gone", pod=pod)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _asked(self, ask: Callable[..., _Answer], *arguments: Any, **options: Any) -> _Answer:
        try:
            return ask(*arguments, _request_timeout=_TIMEOUT, **options)
        except ApiException as error:
            raise self._refusal(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise ProviderUnavailable(
                f"The Kubernetes API server does not answer ({type(error).__name__})"
            ) from error

    def _refusal(self, error: ApiException) -> ProviderUnavailable:
        if error.status == 404:
            return Missing(f"Kubernetes knows no such object in the namespace {self.namespace}")
        if error.status == 409:
            return Conflict("Kubernetes says that somebody else changed the object")
        if error.status == 401:
            return ProviderUnavailable(
                "Kubernetes does not know this conductor; let its pod use the service account "
                "packshot-conductor, or renew the kubeconfig"
            )
        if error.status == 403:
            return ProviderUnavailable(
                f"Kubernetes does not let this conductor change workers in {self.namespace}; "
                "apply deploy/kubernetes/base/rbac.yaml there"
            )
        return ProviderUnavailable(
            f"The Kubernetes API server answered {error.status}: {error.reason}"
        )


def cluster_from_settings() -> Cluster:
    """Reach the cluster this pod runs in, or else the one of the kubeconfig.

    Raises
    ------
    ImproperlyConfigured
        If there is neither.
    """
    reach = client.Configuration()
    # A change that is sent twice could be made twice: we ask again ourselves, when we know more.
    reach.retries = urllib3.Retry(0)
    try:
        config.load_incluster_config(client_configuration=reach)
        home = _OWN_NAMESPACE.read_text(encoding="utf-8").strip()
    except config.ConfigException:
        try:
            config.load_kube_config(client_configuration=reach)
            _, context = config.list_kube_config_contexts()
        except config.ConfigException as error:
            raise ImproperlyConfigured(
                f"PACKSHOT_FLEET=kubernetes finds no cluster ({error}); run the conductor in a "
                "pod, or point KUBECONFIG at the file that kubectl uses"
            ) from error
        home = context["context"].get("namespace", "default")
    return Cluster(client.ApiClient(reach), settings.KUBERNETES_NAMESPACE or home)
