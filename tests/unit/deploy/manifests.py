"""Reading the manifests strictly: as files, and as kustomize builds them."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
Json = dict[str, Any]

SCALED_OBJECT = {
    "scaleTargetRef": {"name": str},
    "pollingInterval": int,
    "cooldownPeriod": int,
    "minReplicaCount": int,
    "maxReplicaCount": int,
    "fallback": {"failureThreshold": int, "replicas": int, "behavior": str},
    "advanced": {"horizontalPodAutoscalerConfig": {"behavior": "hpa"}},
    "triggers": [
        {
            "type": str,
            "metricType": str,
            "metadata": {
                "url": str,
                "valueLocation": str,
                "targetValue": str,
                "authMode": str,
            },
            "authenticationRef": {"name": str},
        }
    ],
}
TRIGGER_AUTHENTICATION = {"secretTargetRef": [{"parameter": str, "name": str, "key": str}]}
"""KEDA 2.19, as far as it is used here: it publishes no package with its schemas."""


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice; YAML would silently take the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Json:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"{sorted(twice)} twice in {node.start_mark}")
        return super().construct_mapping(node, deep=deep)


def read(path: Path) -> list[Any]:
    """Return the documents of one file."""
    return [each for each in yaml.load_all(path.read_text(), StrictLoader) if each is not None]


@functools.cache
def build(overlay: str) -> tuple[Json, ...]:
    """Return what an overlay applies."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: overlays cannot be built")
    done = subprocess.run(
        [kubectl, "kustomize", str(FOLDER / "overlays" / overlay)],
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(yaml.load_all(done.stdout, StrictLoader))


def of_kind(documents: tuple[Json, ...], kind: str) -> dict[str, Json]:
    """Return the objects of a kind by name."""
    return {each["metadata"]["name"]: each for each in documents if each["kind"] == kind}


def workloads(documents: tuple[Json, ...]) -> dict[str, Json]:
    """Return everything that has pods, by name."""
    return of_kind(documents, "Deployment") | of_kind(documents, "Job")


def containers(workload: Json) -> Iterator[Json]:
    """Yield the containers of a workload's pods."""
    pod = workload["spec"]["template"]["spec"]
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def environment(documents: tuple[Json, ...], container: Json, secrets: Json) -> dict[str, str]:
    """Return the variables a container starts with, given the contents of the secrets."""
    maps = of_kind(documents, "ConfigMap")
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            found |= maps[source["configMapRef"]["name"]]["data"]
        else:
            found |= secrets[source["secretRef"]["name"]]
    for each in container.get("env", []):
        found[each["name"]] = each.get("value", "pod-name")
    return found


def misfits(document: Json) -> list[str]:
    """Return where an object departs from the published schema of its kind.

    The official client is generated from the API's OpenAPI document. It refuses wrong types and
    missing fields, and drops fields it does not know: what comes back must be what went in.
    """
    group, _, version = document["apiVersion"].rpartition("/")
    if group == "keda.sh":
        schema = {
            "ScaledObject": SCALED_OBJECT,
            "TriggerAuthentication": TRIGGER_AUTHENTICATION,
        }[document["kind"]]
        return list(_odd(document["spec"], schema, "spec"))
    model = getattr(client, f"{version.capitalize()}{document['kind']}")
    parsed = model.from_dict(document)
    back = client.ApiClient().sanitize_for_serialization(parsed)
    return [] if back == document else [_first_difference(document, back)]


def _odd(value: Any, schema: Any, where: str) -> Iterator[str]:
    if schema == "hpa":
        model = client.V2HorizontalPodAutoscalerBehavior
        back = client.ApiClient().sanitize_for_serialization(model.from_dict(value))
        if back != value:
            yield f"{where}: {_first_difference(value, back)}"
    elif isinstance(schema, dict):
        for key in value.keys() ^ schema.keys():
            yield f"{where}.{key}"
        for key in value.keys() & schema.keys():
            yield from _odd(value[key], schema[key], f"{where}.{key}")
    elif isinstance(schema, list):
        for number, each in enumerate(value):
            yield from _odd(each, schema[0], f"{where}[{number}]")
    elif not isinstance(value, schema):
        yield f"{where} is no {schema.__name__}"


def _first_difference(mine: Any, theirs: Any, where: str = "") -> str:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in mine:
            if mine[key] != theirs.get(key):
                return _first_difference(mine[key], theirs.get(key), f"{where}.{key}")
    if isinstance(mine, list) and isinstance(theirs, list):
        for number, (one, other) in enumerate(zip(mine, theirs, strict=False)):
            if one != other:
                return _first_difference(one, other, f"{where}[{number}]")
    return f"{where}: {json.dumps(mine, default=str)}"
