"""What would be applied to a cluster, held against schemas, against itself and against the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve
from kubernetes import client

from apps.compute.providers.kubernetes import KubernetesFleet
from apps.compute.providers.kubernetes.cluster import WORKERS, Cluster
from apps.compute.providers.kubernetes.reading import deployment_name, read_facts, read_pod
from apps.compute.wire import parts_of_lane
from config.env import read_env
from gpu_workers.config import config_from_environ
from tests.fakes.kubernetes_api import FakeKubernetes
from tests.unit.deploy.manifests import (
    FOLDER,
    ROOT,
    Json,
    build,
    containers,
    environment,
    misfits,
    of_kind,
    read,
    workloads,
)

OVERLAYS = ("shop", "keda")
WORKER_CLASSES = ("cpu", "gpu", "gpu-large")
APP = ("packshot-web", "packshot-conductor", "packshot-chores", "packshot-migrate")
LIBRARIES = re.compile(
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|DEFAULT_REGION)|DJANGO_SETTINGS_MODULE"
)
SECRETS: dict[str, dict[str, str]] = {
    "packshot-app": {
        "DATABASE_URL": "postgres://packshot:secret@db/packshot",
        "PACKSHOT_SECRET_KEY": "x" * 50,
        "PACKSHOT_METRICS_TOKEN": "token",
        "PACKSHOT_EMAIL_URL": "smtp+tls://user:secret@mail:587",
    },
    "packshot-wire": {
        "PACKSHOT_REDIS_URL": "redis://:secret@redis:6379/0",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    },
}
FILES = sorted(FOLDER.rglob("*.yaml"))


@pytest.fixture(params=OVERLAYS)
def documents(request: pytest.FixtureRequest) -> tuple[Json, ...]:
    return build(request.param)


def _labels(workload: Json) -> Json:
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def _selects(selector: Json, labels: Json) -> bool:
    for each in selector.get("matchExpressions", []):
        if labels.get(each["key"]) not in each["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_file_is_read_strictly_and_is_applied(path: Path) -> None:
    documents = read(path)
    kustomization = read(path.parent / "kustomization.yaml")[0]
    named = [
        *kustomization["resources"],
        *(each["path"] for each in kustomization.get("patches", [])),
    ]

    assert documents
    assert path.name == "kustomization.yaml" or path.name in named


def test_every_object_fits_the_published_schema(documents: tuple[Json, ...]) -> None:
    assert {each["metadata"]["name"]: misfits(each) for each in documents if misfits(each)} == {}


def test_a_field_that_does_not_exist_is_found() -> None:
    web = read(FOLDER / "base" / "web.yaml")[0]
    web["spec"]["template"]["spec"]["containers"][0]["readinessTest"] = {}

    assert misfits(web) == [
        '.spec.template.spec.containers[0].readinessTest: {}',
    ]  # fmt: skip


def test_no_two_objects_share_a_name(documents: tuple[Json, ...]) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in documents]

    assert len(names) == len(set(names))
    assert {each["metadata"].get("namespace") for each in documents} == {"packshot", None}


def test_every_reference_leads_somewhere(documents: tuple[Json, ...]) -> None:
    maps, accounts = of_kind(documents, "ConfigMap"), of_kind(documents, "ServiceAccount")
    for workload in workloads(documents).values():
        pod = workload["spec"]["template"]["spec"]
        volumes = {each["name"] for each in pod["volumes"]}
        assert pod.get("serviceAccountName", "packshot-conductor") in accounts
        for container in containers(workload):
            ports = {each["name"] for each in container.get("ports", [])}
            probes = [value for key, value in container.items() if key.endswith("Probe")]
            assert {each["name"] for each in container["volumeMounts"]} <= volumes
            for source in container["envFrom"]:
                assert source.get("configMapRef", {"name": "packshot-app"})["name"] in maps
                assert source.get("secretRef", {"name": "packshot-app"})["name"] in SECRETS
            for probe in probes:
                assert (probe.get("httpGet") or probe["tcpSocket"])["port"] in ports


def test_every_selector_finds_its_pods(documents: tuple[Json, ...]) -> None:
    pods = [_labels(each) for each in workloads(documents).values()]
    for kind in ("Deployment", "PodDisruptionBudget"):
        for name, each in of_kind(documents, kind).items():
            found = [pod for pod in pods if _selects(each["spec"]["selector"], pod)]
            assert [pod["app.kubernetes.io/name"] for pod in found] == [name]
    for service in of_kind(documents, "Service").values():
        assert sum(service["spec"]["selector"].items() <= pod.items() for pod in pods) == 1
    for policy in of_kind(documents, "NetworkPolicy").values():
        assert any(_selects(policy["spec"]["podSelector"], pod) for pod in pods)
    for workload in workloads(documents).values():
        for spread in workload["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            assert _selects(spread["labelSelector"], _labels(workload))
    workers = dict(part.split("=") for part in WORKERS.split(","))
    found = [pod for pod in pods if workers.items() <= pod.items()]
    assert [pod["packshot/worker-class"] for pod in found] == list(WORKER_CLASSES)


def test_the_address_leads_to_the_web(documents: tuple[Json, ...]) -> None:
    ingress = of_kind(documents, "Ingress")["packshot"]["spec"]
    service = of_kind(documents, "Service")["packshot-web"]["spec"]
    backend = ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]
    web = of_kind(documents, "Deployment")["packshot-web"]["spec"]["template"]["spec"]
    port = web["containers"][0]["ports"][0]
    app = of_kind(documents, "ConfigMap")["packshot-app"]["data"]

    assert backend == {"name": "packshot-web", "port": {"name": service["ports"][0]["name"]}}
    assert service["ports"][0]["targetPort"] == port["name"]
    assert f"--port={port['containerPort']}" in web["containers"][0]["command"]
    assert app["PACKSHOT_BASE_URL"] == f"https://{ingress['rules'][0]['host']}"
    assert ingress["rules"][0]["host"] in app["PACKSHOT_ALLOWED_HOSTS"].split(",")
    assert ingress["tls"][0]["hosts"] == [ingress["rules"][0]["host"]]


def test_the_probe_asks_for_an_address_that_answers(documents: tuple[Json, ...]) -> None:
    pod = of_kind(documents, "Deployment")["packshot-web"]["spec"]["template"]["spec"]
    app = of_kind(documents, "ConfigMap")["packshot-app"]["data"]
    for name in ("startupProbe", "readinessProbe"):
        probe = pod["containers"][0][name]["httpGet"]
        assert resolve(probe["path"]).url_name == "healthz"
        assert probe["httpHeaders"][0]["value"] in app["PACKSHOT_ALLOWED_HOSTS"].split(",")


def test_pods_may_do_nothing_they_need_not(documents: tuple[Json, ...]) -> None:
    for name, workload in workloads(documents).items():
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is (name == "packshot-conductor")
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
            assert [each["mountPath"] for each in container["volumeMounts"]] == ["/tmp"]


def test_every_variable_is_one_that_somebody_reads(documents: tuple[Json, ...]) -> None:
    app_reads = set(re.findall(r'"([A-Z][A-Z_]+)"', (ROOT / "config/env.py").read_text()))
    worker_reads = set(
        re.findall(r'"([A-Z][A-Z_]+)"', (ROOT / "gpu_workers/config.py").read_text())
    )
    for name, workload in workloads(documents).items():
        known = app_reads if name in APP else worker_reads
        for container in containers(workload):
            given = environment(documents, container, SECRETS)
            unread = {each for each in given if each not in known and not LIBRARIES.fullmatch(each)}
            assert unread == set(), name


def test_the_application_starts_with_what_it_is_given(
    documents: tuple[Json, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = environment(
        documents, next(containers(of_kind(documents, "Deployment")["packshot-web"])), SECRETS
    )
    for name in given:
        monkeypatch.setenv(name, given[name])

    env = read_env()

    assert env.fleet == "kubernetes"
    assert set(env.max_workers) == set(WORKER_CLASSES)


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_a_worker_starts_with_what_it_is_given(
    documents: tuple[Json, ...], worker_class: str
) -> None:
    deployment = of_kind(documents, "Deployment")[deployment_name(worker_class)]
    worker = next(containers(deployment))

    config = config_from_environ(environment(documents, worker, SECRETS))

    assert (config.worker_class, config.lane) == (
        worker_class,
        f"render-{worker_class}-{_labels(deployment)['packshot/engine']}",
    )
    assert parts_of_lane(config.lane) is not None
    assert config.lane in settings.RQ_QUEUES
    limit = int(worker["resources"]["limits"]["memory"].removesuffix("Gi")) * 1024**3
    # The child is replaced above the setting and ended at twice as much; the worker needs little.
    assert 2 * config.engine_memory_bytes < limit


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_a_drained_worker_has_the_time_it_is_promised(
    documents: tuple[Json, ...], worker_class: str
) -> None:
    deployment = of_kind(documents, "Deployment")[deployment_name(worker_class)]
    config = config_from_environ(environment(documents, next(containers(deployment)), SECRETS))
    pod = deployment["spec"]["template"]["spec"]

    assert pod["terminationGracePeriodSeconds"] >= config.grace_seconds + 30
    assert "replicas" not in deployment["spec"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_the_fleet_reads_what_the_manifest_says(
    documents: tuple[Json, ...], worker_class: str
) -> None:
    deployment = of_kind(documents, "Deployment")[deployment_name(worker_class)]
    most = read_env_max(documents)[worker_class]

    facts = read_facts(client.V1Deployment.from_dict(deployment), worker_class, is_spot=False)

    assert facts.engine == _labels(deployment)["packshot/engine"]
    assert facts.max_workers >= most
    assert facts.price.minor_per_hour > 0
    assert facts.cold_start.p95_seconds > facts.cold_start.p50_seconds
    meta = {
        **deployment["spec"]["template"]["metadata"],
        "name": "pod",
        "uid": "1",
        "creationTimestamp": "2026-11-23T09:00:00Z",
    }
    pod = read_pod(client.V1Pod.from_dict({"metadata": meta}))
    assert pod is not None
    assert (pod.worker_class, pod.engine, pod.is_spot) == (worker_class, facts.engine, False)


def read_env_max(documents: tuple[Json, ...]) -> dict[str, int]:
    text = of_kind(documents, "ConfigMap")["packshot-app"]["data"]["PACKSHOT_MAX_WORKERS"]
    return {part.split("=")[0]: int(part.split("=")[1]) for part in text.split(",")}


def test_no_worker_is_given_a_password_of_the_database(documents: tuple[Json, ...]) -> None:
    for worker_class in WORKER_CLASSES:
        worker = of_kind(documents, "Deployment")[deployment_name(worker_class)]
        given = environment(documents, next(containers(worker)), SECRETS)
        assert not given.keys() & SECRETS["packshot-app"].keys()


def test_secrets_are_named_where_they_are_explained() -> None:
    comment = (FOLDER / "base" / "config.yaml").read_text().split("apiVersion")[0]
    docs = (ROOT / "docs" / "kubernetes.md").read_text()
    for name, keys in SECRETS.items():
        for key in (name, *keys):
            assert key in comment
            assert key in docs


def test_every_command_exists(documents: tuple[Json, ...]) -> None:
    for workload in workloads(documents).values():
        for container in containers(workload):
            match container["command"]:
                case ["python", "manage.py", command, *_]:
                    assert command in get_commands()
                case ["python", "-m", module] | ["python", "-m", module, "retouch"]:
                    assert (ROOT / module / "__main__.py").exists()
                case ["uvicorn", "config.asgi:application", *_]:
                    pass
                case other:
                    pytest.fail(f"unknown command {other}")


def _fleet_calls(kubernetes: FakeKubernetes, *, hand: str) -> set[tuple[str, str, str]]:
    """Let a fleet do all it can. Return what it asked, in the words of a Role."""
    kubernetes.namespace = "packshot"
    with kubernetes.serving() as address:
        api = client.ApiClient(client.Configuration(host=address))
        fleet = KubernetesFleet(Cluster(api, "packshot"), hand=hand, appear_seconds=0.0)
        kubernetes.add_deployment("gpu", "diffusion", replicas=3)
        for worker_class in fleet.worker_classes():
            fleet.capacity(worker_class)
            fleet.price(worker_class, is_spot=True)
        fleet.launch("gpu", "diffusion", names=["a"], is_spot=True)
        first, second, *_ = (worker.worker for worker in fleet.workers())
        fleet.drain(first)
        fleet.terminate(second)
        fleet.close()
    return {(asked.group, asked.resource, asked.verb) for asked in kubernetes.asked}


@pytest.mark.parametrize(("overlay", "hand"), [("shop", "packshot"), ("keda", "keda")])
def test_the_role_allows_the_calls_that_are_made_and_no_others(overlay: str, hand: str) -> None:
    rules = of_kind(build(overlay), "Role")["packshot-conductor"]["rules"]
    allowed = {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert _fleet_calls(FakeKubernetes(rules=rules), hand=hand) == allowed


def test_the_conductor_alone_has_the_role(documents: tuple[Json, ...]) -> None:
    binding = of_kind(documents, "RoleBinding")["packshot-conductor"]
    pods = {
        name: workload["spec"]["template"]["spec"].get("serviceAccountName")
        for name, workload in workloads(documents).items()
    }

    assert [each["name"] for each in binding["subjects"]] == ["packshot-conductor"]
    assert {name for name, account in pods.items() if account} == {"packshot-conductor"}


def test_keda_asks_where_the_number_is_told() -> None:
    documents = build("keda")
    app = of_kind(documents, "ConfigMap")["packshot-app"]["data"]
    auth = of_kind(documents, "TriggerAuthentication")["packshot-metrics"]["spec"]
    token = auth["secretTargetRef"][0]
    scaled = of_kind(documents, "ScaledObject")

    assert app["PACKSHOT_KUBERNETES_HAND"] == "keda"
    assert token["key"] in SECRETS[token["name"]]
    assert set(scaled) == {deployment_name(each) for each in WORKER_CLASSES}
    for worker_class in WORKER_CLASSES:
        spec = scaled[deployment_name(worker_class)]["spec"]
        trigger: Any = spec["triggers"][0]
        host, _, path = trigger["metadata"]["url"].removeprefix("http://").partition("/")
        assert host in app["PACKSHOT_ALLOWED_HOSTS"].split(",")
        assert resolve(f"/{path}").kwargs == {"worker_class": worker_class}
        assert trigger["metadata"]["valueLocation"] == "desired"
        assert spec["scaleTargetRef"]["name"] == deployment_name(worker_class)
        assert spec["maxReplicaCount"] >= read_env_max(documents)[worker_class]
        assert spec["fallback"]["behavior"] == "currentReplicas"


def test_every_image_has_a_recipe(documents: tuple[Json, ...]) -> None:
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    for workload in workloads(documents).values():
        for container in containers(workload):
            name, _, tag = container["image"].partition(":")
            assert re.search(rf"^FROM \S+ AS {name.removeprefix('packshot/')}$", recipe, re.M)
            assert f"packshot/{name.removeprefix('packshot/')}:{tag}" in recipe
