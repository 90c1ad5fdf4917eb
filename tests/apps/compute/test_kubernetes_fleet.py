"""The Kubernetes fleet, through the real client, against an API server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from kubernetes import client
from kubernetes.config import kube_config

from apps.compute.models import WorkerLife
from apps.compute.providers.base import ColdStart, Price, ProviderUnavailable
from apps.compute.providers.kubernetes import KubernetesFleet, build, cluster
from apps.compute.providers.kubernetes import fleet as fleet_module
from apps.compute.providers.kubernetes.cluster import Cluster
from apps.compute.providers.registry import build_provider
from apps.compute.services import scaling
from apps.core import clock
from tests.fakes.kubernetes_api import COST, FakeKubernetes

CPU, GPU = "packshot-worker-cpu", "packshot-worker-gpu"
NEVER = float("inf")


@pytest.fixture
def kubernetes() -> FakeKubernetes:
    return FakeKubernetes()


@pytest.fixture
def open_fleet(kubernetes: FakeKubernetes) -> Iterator[Callable[..., KubernetesFleet]]:
    opened = []
    with kubernetes.serving() as address:

        def make(**options: Any) -> KubernetesFleet:
            reach = client.Configuration(host=address)
            reach.retries = 0
            options.setdefault("appear_seconds", 0.0)
            fleet = KubernetesFleet(Cluster(client.ApiClient(reach), "shop"), **options)
            opened.append(fleet)
            return fleet

        yield make
        for fleet in opened:
            fleet.close()


@pytest.fixture
def fleet(open_fleet: Callable[..., KubernetesFleet]) -> KubernetesFleet:
    return open_fleet()


def _states(fleet: KubernetesFleet) -> dict[str, str]:
    return {worker.worker: worker.state for worker in fleet.workers()}


def test_a_launch_answers_with_the_names_its_pods_were_given(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=1)

    started = fleet.launch("cpu", "classical", names=["ours-1", "ours-2"])

    assert len(started) == 2
    assert set(started) < set(kubernetes.alive(CPU))
    assert _states(fleet) == {
        kubernetes.alive()[0]: "running",
        started[0]: "starting",
        started[1]: "starting",
    }
    assert kubernetes.replicas(CPU) == 3


def test_a_launch_waits_until_its_pods_exist(
    open_fleet: Callable[..., KubernetesFleet], kubernetes: FakeKubernetes
) -> None:
    kubernetes.controller_seconds = 0.2
    kubernetes.add_deployment("cpu", "classical")

    started = open_fleet(appear_seconds=5.0).launch("cpu", "classical", names=["a"])

    assert list(started) == kubernetes.alive(CPU)


def test_a_launch_asked_again_does_not_grow_the_fleet_twice(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical")
    kubernetes.controller_seconds = NEVER

    first = fleet.launch("cpu", "classical", names=["a", "b"])
    again = fleet.launch("cpu", "classical", names=["a", "b"])

    assert (list(first), list(again)) == ([], [])
    assert kubernetes.replicas(CPU) == 2


def test_a_quota_does_not_let_replicas_run_away(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.most_pods = 1
    kubernetes.add_deployment("cpu", "classical")

    names = [name for _ in range(4) for name in fleet.launch("cpu", "classical", names=["a", "b"])]

    assert names == kubernetes.alive(CPU)
    assert kubernetes.replicas(CPU) == 3


def test_a_launch_reads_again_what_somebody_else_touched(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=1)
    kubernetes.before("patch", lambda: kubernetes.scale(CPU, 1))

    fleet.launch("cpu", "classical", names=["a"])

    patched = [asked for asked in kubernetes.asked if asked.verb == "patch"]
    assert len(patched) == 2
    assert len(kubernetes.alive(CPU)) == 2


def test_the_victim_ends_gently_and_nobody_else(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=4)
    victim = kubernetes.alive(CPU)[1]

    fleet.drain(victim)

    assert kubernetes.killed == [victim]
    assert kubernetes.replicas(CPU) == 3
    assert _states(fleet)[victim] == "draining"
    assert all(
        (asked.body or {}).get("gracePeriodSeconds") is None
        for asked in kubernetes.asked
        if asked.verb == "delete"
    )


def test_the_mark_alone_makes_the_controller_take_the_victim(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=4)
    victim = kubernetes.alive(CPU)[0]
    kubernetes.refuse(500, verb="delete")

    with pytest.raises(ProviderUnavailable, match="500"):
        fleet.drain(victim)

    assert kubernetes.pods[victim]["metadata"]["annotations"][COST] == "-2147483647"
    assert kubernetes.killed == [victim]


@pytest.mark.parametrize("controller_seconds", [0.0, NEVER])
def test_starting_workers_survive_a_drain(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes, controller_seconds: float
) -> None:
    kubernetes.add_deployment("gpu", "diffusion", replicas=3)
    running = kubernetes.alive(GPU)
    started = fleet.launch("gpu", "diffusion", names=["new"])
    kubernetes.controller_seconds = controller_seconds

    fleet.drain(running[2])
    kubernetes.reconcile()

    assert set(kubernetes.alive(GPU)) == {*running[:2], *started}
    assert kubernetes.killed[0] == running[2]


def test_ten_drains_before_the_controller_wakes_take_ten(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=12)
    kubernetes.controller_seconds = NEVER
    victims = kubernetes.alive(CPU)[:10]

    for victim in victims:
        fleet.drain(victim)
        fleet.drain(victim)
    kubernetes.reconcile()

    assert kubernetes.killed == victims
    assert kubernetes.replicas(CPU) == 2
    assert len(kubernetes.alive(CPU)) == 2


def test_a_drain_that_was_cut_off_after_the_scale_takes_no_second_replica(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=3)
    kubernetes.controller_seconds = NEVER
    victim = kubernetes.alive(CPU)[0]
    kubernetes.refuse(503, verb="delete")
    with pytest.raises(ProviderUnavailable):
        fleet.drain(victim)

    fleet.drain(victim)
    kubernetes.reconcile()

    assert kubernetes.killed == [victim]
    assert kubernetes.replicas(CPU) == 2


def test_who_is_gone_is_drained_already(fleet: KubernetesFleet, kubernetes: FakeKubernetes) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=2)
    victim = kubernetes.alive(CPU)[0]
    fleet.drain(victim)
    kubernetes.leave(victim)

    fleet.drain(victim)
    fleet.terminate(victim)

    assert kubernetes.replicas(CPU) == 1
    assert victim not in _states(fleet)


def test_terminating_ends_a_worker_at_once_and_for_good(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=3)
    victim, draining, stays = kubernetes.alive(CPU)
    fleet.drain(draining)

    fleet.terminate(victim)
    fleet.terminate(draining)

    assert list(_states(fleet)) == [stays]
    assert kubernetes.replicas(CPU) == 1


def test_a_later_pod_of_the_same_name_is_left_alone(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=2)
    kubernetes.controller_seconds = NEVER
    victim = kubernetes.alive(CPU)[0]
    kubernetes.before(
        "delete", lambda: kubernetes.pods[victim]["metadata"].update(uid="another-pod")
    )

    fleet.drain(victim)

    assert kubernetes.killed == []


def test_keda_keeps_the_number_and_packshot_names_who_goes(
    open_fleet: Callable[..., KubernetesFleet], kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("gpu", "diffusion", replicas=3)
    fleet, victim = open_fleet(hand="keda"), kubernetes.alive(GPU)[1]

    assert list(fleet.launch("gpu", "diffusion", names=["a"])) == []
    fleet.drain(victim)
    fleet.drain(victim)
    assert (kubernetes.replicas(GPU), kubernetes.killed) == (3, [])
    kubernetes.scale(GPU, 2)

    assert kubernetes.killed == [victim]
    written = {asked.resource for asked in kubernetes.asked if asked.verb in ("patch", "delete")}
    assert written == {"pods"}


def test_with_keda_a_victim_that_was_passed_over_makes_room_for_a_fresh_worker(
    open_fleet: Callable[..., KubernetesFleet],
    kubernetes: FakeKubernetes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubernetes.add_deployment("gpu", "diffusion", replicas=2)
    fleet, victim = open_fleet(hand="keda"), kubernetes.alive(GPU)[0]
    fleet.drain(victim)
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: later)

    fleet.drain(victim)

    assert kubernetes.killed == [victim]
    assert kubernetes.replicas(GPU) == len(kubernetes.alive(GPU)) == 2


@pytest.mark.django_db
def test_the_ledger_knows_workers_by_the_names_of_their_pods(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", price_minor_per_hour="12")
    now = clock.now()

    assert scaling.launch(fleet, "cpu", "classical", 2, now=now) == 2
    scaling.reconcile(fleet, fleet.workers(), {}, now=now)
    stays, victim = kubernetes.alive(CPU)
    kubernetes.get_ready()
    scaling.drain(fleet, [victim], now=now)
    kubernetes.leave(victim)
    scaling.reconcile(fleet, fleet.workers(), {}, now=now)

    lives = WorkerLife.objects.values_list("worker", "end", "price_minor_per_hour")
    assert set(lives) == {(stays, "", 12.0), (victim, "drained", 12.0)}


def test_a_deployment_tells_price_speed_and_size(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical")
    kubernetes.add_deployment(
        "gpu",
        "diffusion",
        price_minor_per_hour="249.5",
        currency="USD",
        cold_start_p50_seconds="75",
        cold_start_p95_seconds="240",
        max_workers="8",
    )
    kubernetes.add_deployment(
        "gpu", "diffusion", spot=True, price_minor_per_hour="80", max_workers="4"
    )

    assert list(fleet.worker_classes()) == ["cpu", "gpu"]
    assert fleet.price("gpu") == Price(249.5, "USD")
    assert fleet.price("gpu", is_spot=True).minor_per_hour == 80
    assert fleet.price("cpu", is_spot=True) == fleet.price("cpu")
    assert fleet.eta("gpu") == ColdStart(75.0, 240.0)
    assert (fleet.capacity("cpu"), fleet.capacity("gpu")) == (10, 12)


def test_spot_workers_come_from_their_own_deployment(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("gpu", "diffusion", replicas=1)
    kubernetes.add_deployment("gpu", "diffusion", spot=True)

    fleet.launch("gpu", "diffusion", names=["a"], is_spot=True)
    kubernetes.get_ready()
    spot = next(worker for worker in fleet.workers() if worker.is_spot)
    fleet.drain(spot.worker)

    assert spot.worker.startswith("packshot-worker-gpu-spot-")
    assert spot.worker_class == "gpu"
    assert (kubernetes.replicas(GPU), kubernetes.replicas(f"{GPU}-spot")) == (1, 0)
    assert kubernetes.killed == [spot.worker]


def test_what_a_node_left_behind_is_no_worker(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", replicas=2)
    evicted, stays = kubernetes.alive(CPU)
    kubernetes.pods[evicted]["status"] = {"phase": "Failed", "reason": "Evicted"}

    assert list(_states(fleet)) == [stays]


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "service account"), (403, r"rbac\.yaml"), (500, "answered 500"), (429, "answered 429")],
)
def test_a_refusal_says_what_to_do(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes, status: int, words: str
) -> None:
    kubernetes.refuse(status)

    with pytest.raises(ProviderUnavailable, match=words):
        fleet.workers()


def test_what_was_known_is_believed_while_nobody_answers(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes.add_deployment("cpu", "classical", max_workers="7", cold_start_p50_seconds="20")
    monkeypatch.setattr(fleet_module, "_FACTS_SECONDS", 0.0)
    assert fleet.capacity("cpu") == 7
    kubernetes.refuse(500, times=99)

    assert (fleet.capacity("cpu"), fleet.eta("cpu").p50_seconds) == (7, 20.0)
    assert fleet.eta("gpu") == ColdStart(90.0, 180.0)
    with pytest.raises(ProviderUnavailable):
        fleet.capacity("gpu")


def test_a_change_that_always_collides_is_given_up_with_its_cure(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical")
    kubernetes.refuse(409, times=99, verb="patch")

    with pytest.raises(ProviderUnavailable, match="HorizontalPodAutoscaler"):
        fleet.launch("cpu", "classical", names=["a"])

    assert kubernetes.replicas(CPU) == 0


def test_no_answer_is_no_list(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_TIMEOUT", (0.2, 0.2))
    kubernetes.sleep(1.0)

    with pytest.raises(ProviderUnavailable, match="does not answer"):
        fleet.workers()


def test_a_server_that_is_away_is_asked_once(
    fleet: KubernetesFleet, open_fleet: Callable[..., KubernetesFleet]
) -> None:
    away = KubernetesFleet(
        Cluster(client.ApiClient(client.Configuration(host="http://127.0.0.1:9")), "shop")
    )

    with pytest.raises(ProviderUnavailable, match="does not answer"):
        away.workers()


def test_a_class_without_a_deployment_is_named(fleet: KubernetesFleet) -> None:
    with pytest.raises(ProviderUnavailable, match=r"packshot-worker-gpu .*apply deploy/kubernetes"):
        fleet.launch("gpu", "diffusion", names=["a"])


def test_an_engine_the_pods_do_not_run_is_refused(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical")

    with pytest.raises(ProviderUnavailable, match="'classical', not 'diffusion'"):
        fleet.launch("cpu", "diffusion", names=["a"])


def test_an_annotation_that_is_no_number_is_named(
    fleet: KubernetesFleet, kubernetes: FakeKubernetes
) -> None:
    kubernetes.add_deployment("cpu", "classical", price_minor_per_hour="2,50")

    with pytest.raises(ProviderUnavailable, match=r"packshot/price-minor-per-hour='2,50'"):
        fleet.price("cpu")


def test_the_kubeconfig_leads_to_the_cluster(
    kubernetes: FakeKubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    kubernetes.token = "operator-token"
    kubernetes.add_deployment("cpu", "classical", replicas=1)
    path = tmp_path / "config"
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    with kubernetes.serving() as address:
        path.write_text(
            f"""
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me, namespace: shop}}}}]
clusters: [{{name: here, cluster: {{server: "{address}"}}}}]
users: [{{name: me, user: {{token: operator-token}}}}]
"""
        )
        assert len(build_provider("kubernetes").workers()) == 1

        settings.KUBERNETES_NAMESPACE = "elsewhere"
        with pytest.raises(ProviderUnavailable, match=r"in elsewhere"):
            build().workers()


def test_without_a_cluster_the_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))

    with pytest.raises(ImproperlyConfigured, match="KUBECONFIG"):
        build()
