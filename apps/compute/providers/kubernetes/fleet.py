"""The fleet whose workers are pods: one Deployment for each worker class.

Owns the order of the calls that start and end a worker. Does not decide how many there should be,
and does not speak to the API server itself (`cluster`).

A worker is named after its pod, and pods are named by their controller. It is drained by ending
its pod: SIGTERM makes it finish its batch and leave, within the pod's grace period. A replica is
given up along with it, or else the pod would be replaced. With the hand ``keda`` somebody else
changes the number of replicas: then a worker is only marked as the first to go, and ended if its
mark has been passed over, because meanwhile more workers are wanted again.

Source: "ReplicaSet", section "Scaling a ReplicaSet", kubernetes.io. A controller that has a pod too
many takes one that is not scheduled, not running or not ready before it looks at deletion costs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings

from apps.compute.providers.base import ColdStart, Price, ProvidedWorker, ProviderUnavailable
from apps.compute.providers.kubernetes.cluster import Cluster, cluster_from_settings
from apps.compute.providers.kubernetes.reading import (
    USUAL_COLD_START,
    Facts,
    Pod,
    deployment_name,
    marks,
    read_facts,
    read_pod,
)
from apps.core import clock

_CLASSES: Final = ("cpu", "gpu", "gpu-large")
_LOOK_SECONDS: Final = 0.1
_PASSED_OVER: Final = timedelta(seconds=60)
"""KEDA and its HorizontalPodAutoscaler look every 15 s each."""
_FACTS_SECONDS: Final = 60.0
"""How long the annotations of a Deployment are believed."""


class KubernetesFleet:
    """Workers as pods of the Deployments ``packshot-worker-CLASS`` in one namespace.

    A second Deployment ``packshot-worker-CLASS-spot``, where there is one, takes the launches of
    workers that may be preempted.

    Parameters
    ----------
    cluster
        The namespace.
    hand
        ``packshot`` changes replicas itself, ``keda`` leaves that to KEDA.
    appear_seconds
        How long a launch waits for its pods to be created, so that it can name them.
    """

    name = "kubernetes"

    def __init__(
        self, cluster: Cluster, *, hand: str = "packshot", appear_seconds: float = 3.0
    ) -> None:
        self._cluster = cluster
        self._scales = hand == "packshot"
        self._appear_seconds = appear_seconds
        # KEDA asks every half minute, and the autoscaler behind it every quarter.
        self.listed_within_seconds = 20.0 if self._scales else 120.0
        self._facts: dict[str, tuple[float, Facts | None]] = {}

    def worker_classes(self) -> Sequence[str]:
        """Return the classes that have a Deployment."""
        return [each for each in _CLASSES if self._deployment(each) is not None]

    def capacity(self, worker_class: str) -> int:
        """Return the sum of ``packshot/max-workers`` of the class's Deployments.

        What the nodes can carry is not known here: a pod that finds no room stays ``starting``.
        """
        both = (self._deployment(worker_class), self._deployment(worker_class, is_spot=True))
        return sum(facts.max_workers for facts in both if facts is not None)

    def workers(self) -> Sequence[ProvidedWorker]:
        """List every worker's pod that has not ended, oldest first."""
        return [pod.as_worker() for pod in self._pods()]

    def launch(
        self, worker_class: str, engine: str, *, names: Sequence[str], is_spot: bool = False
    ) -> Sequence[str]:
        """Have as many more pods as there are names. Return the names of the pods that came.

        Asked again before the pods of an earlier call exist, it waits for those: the number of
        replicas never runs away from the number of pods. With the hand ``keda`` nothing is
        started here: KEDA reads how many there should be.
        """
        facts = self._offer(worker_class, is_spot=is_spot)
        if facts.engine != engine:
            raise ProviderUnavailable(
                f"Deployment {facts.deployment} runs the engine {facts.engine!r}, not {engine!r}; "
                "correct the label packshot/engine and the variables of its pods"
            )
        if not self._scales:
            return ()
        before = self._active(facts)
        self._cluster.scale(
            facts.deployment,
            lambda replicas: max(replicas, min(replicas, len(before)) + len(names)),
        )
        return self._appeared(facts, {pod.uid for pod in before}, len(names))

    def drain(self, worker: str) -> None:
        """Mark a worker as the first to go, then end it gently and give up its replica.

        With the hand ``keda`` the replica is KEDA's to give up. A worker that was marked a while
        ago and still stands is ended alone: a fresh one takes its place, since so many are wanted.
        """
        pod = self._find(worker)
        if pod is None or pod.is_ending:
            return
        now = clock.now()
        if pod.marked_at is None:
            self._cluster.annotate(pod.name, marks(now))
        if self._scales:
            self._remove(pod, grace_seconds=None)
        elif pod.marked_at is not None and now - pod.marked_at > _PASSED_OVER:
            self._cluster.end(pod.name, pod.uid, grace_seconds=None)

    def terminate(self, worker: str) -> None:
        """Kill a worker's pod without grace, and give up its replica."""
        pod = self._find(worker)
        if pod is None:
            return
        if self._scales and not pod.is_ending:
            self._cluster.annotate(pod.name, marks(clock.now()))
            self._remove(pod, grace_seconds=0)
        else:
            self._cluster.end(pod.name, pod.uid, grace_seconds=0)

    def eta(self, worker_class: str) -> ColdStart:
        """Return what the Deployment's annotations expect of a cold start.

        It never fails: a class whose Deployment is gone or cannot be read starts as most do.
        """
        try:
            return self._offer(worker_class).cold_start
        except ProviderUnavailable:
            return USUAL_COLD_START

    def price(self, worker_class: str, *, is_spot: bool = False) -> Price:
        """Return the price in the Deployment's annotations."""
        return self._offer(worker_class, is_spot=is_spot).price

    def close(self) -> None:
        """Close the connections; pods keep running."""
        self._cluster.close()

    def _remove(self, pod: Pod, *, grace_seconds: int | None) -> None:
        """End a marked pod and give up its replica, in the order that hits no other worker.

        Where all pods are ready, the replica goes first: the controller takes the marked pod, and
        ending it only confirms that. Where some are starting, the controller would take one of
        them whatever the costs, so the pod ends first; a replacement that comes up in between is
        the newest of those that are starting, and is the one to go.
        """
        facts = self._offer(pod.worker_class, is_spot=pod.is_spot)
        active = self._active(facts)
        takes_the_marked = all(each.is_ready for each in active)
        if not takes_the_marked:
            self._cluster.end(pod.name, pod.uid, grace_seconds=grace_seconds)
        # Fewer replicas than pods: the controller still owes a removal, and one is enough.
        self._cluster.scale(
            facts.deployment,
            lambda replicas: replicas if replicas < len(active) else max(0, replicas - 1),
        )
        if takes_the_marked:
            self._cluster.end(pod.name, pod.uid, grace_seconds=grace_seconds)

    def _appeared(self, facts: Facts, known: set[str], wanted: int) -> Sequence[str]:
        ends_at = time.monotonic() + self._appear_seconds
        while True:
            fresh = [pod.name for pod in self._active(facts) if pod.uid not in known][:wanted]
            if len(fresh) == wanted or time.monotonic() >= ends_at:
                return fresh
            time.sleep(_LOOK_SECONDS)

    def _find(self, worker: str) -> Pod | None:
        return next((pod for pod in self._pods() if pod.name == worker), None)

    def _active(self, facts: Facts) -> Sequence[Pod]:
        """Return the pods that count as replicas of a Deployment, oldest first."""
        shape = (facts.worker_class, facts.is_spot)
        return [
            pod
            for pod in self._pods()
            if not pod.is_ending and (pod.worker_class, pod.is_spot) == shape
        ]

    def _pods(self) -> Sequence[Pod]:
        read = (read_pod(each) for each in self._cluster.pods())
        return sorted(
            (pod for pod in read if pod is not None), key=lambda pod: (pod.created_at, pod.name)
        )

    def _offer(self, worker_class: str, *, is_spot: bool = False) -> Facts:
        """Return the Deployment that serves a class; on demand where no spot is offered."""
        facts = self._deployment(worker_class, is_spot=is_spot) or self._deployment(worker_class)
        if facts is None:
            raise ProviderUnavailable(
                f"there is no Deployment {deployment_name(worker_class)} in the namespace "
                f"{self._cluster.namespace}; apply deploy/kubernetes there, "
                "or set PACKSHOT_KUBERNETES_NAMESPACE"
            )
        return facts

    def _deployment(self, worker_class: str, *, is_spot: bool = False) -> Facts | None:
        name = deployment_name(worker_class, is_spot=is_spot)
        read_at, facts = self._facts.get(name, (-_FACTS_SECONDS, None))
        if time.monotonic() - read_at < _FACTS_SECONDS:
            return facts
        try:
            found = self._cluster.deployment(name)
        except ProviderUnavailable:
            # What a fleet can carry does not change while nobody answers.
            if name in self._facts:
                return facts
            raise
        facts = None if found is None else read_facts(found, worker_class, is_spot=is_spot)
        self._facts[name] = (time.monotonic(), facts)
        return facts


def build() -> KubernetesFleet:
    """Return the fleet of the cluster this process can reach."""
    return KubernetesFleet(cluster_from_settings(), hand=settings.KUBERNETES_HAND)
