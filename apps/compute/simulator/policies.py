"""Policies by their names, as a command or a page writes them. Pure.

A name is followed by its numbers, separated by colons: ``request-count:2:300:1``. `GRAMMAR` lists
them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from apps.compute.policy.autoscaling import PackshotScaler, ScalingSettings
from apps.compute.policy.fleet import ScalePolicy
from apps.compute.simulator.baselines import bounds
from apps.compute.simulator.baselines.fixed import FixedFleet
from apps.compute.simulator.baselines.keda import KedaListScaler
from apps.compute.simulator.baselines.kpa import KnativeScaler
from apps.compute.simulator.baselines.ray_serve import RayServeScaler
from apps.compute.simulator.baselines.serverless import (
    ContainerPerInputScaler,
    QueueDelayScaler,
    RequestCountScaler,
)
from apps.compute.simulator.engine import Record
from apps.compute.simulator.scalers import Scaler
from apps.compute.simulator.workload import Workload

Policy = ScalePolicy | Scaler
Bound = Callable[..., Record]

GRAMMAR: Final[dict[str, str]] = {
    "packshot": "the product's own policy; packshot:SHARE promises that share, 0.98 by itself",
    "fixed:N": "N workers, always",
    "fixed-peak": "as many workers as allowed, always",
    "fixed-mean": "the mean load rounded up, always",
    "fixed-2x-mean": "twice that",
    "keda:LENGTH": "KEDA on a Redis list: one worker for LENGTH waiting jobs",
    "keda-running:LENGTH": "the same over waiting and running jobs, at least one worker",
    "kpa[:minN][:delayS]": "Knative: mean concurrency over 60 s, panic over 6 s",
    "runpod-delay:DELAY:IDLE[:MIN]": "RunPod: another worker while a job waits longer than DELAY s",
    "request-count:JOBS:IDLE:BUFFER[:MIN]": "RunPod: one worker for JOBS jobs, and BUFFER spares",
    "modal:IDLE": "Modal: one worker for each job that has none, IDLE s kept",
    "ray-serve": "Ray Serve's defaults, at least one worker",
    "clairvoyant": "a bound: the cheapest fleet without any wait, which knows the future",
    "work-only": "a bound: the work alone",
}
_BOUNDS: Final[dict[str, Bound]] = {
    "clairvoyant": bounds.clairvoyant,
    "work-only": bounds.work_only,
}


def is_packshot(text: str) -> bool:
    """Return whether a policy is the product's own, which brings its own dispatch along."""
    return text.partition(":")[0] == "packshot"


class PolicyError(ValueError):
    """A policy nobody knows, or numbers it cannot use; the message says what to write."""


def policy_from_text(
    text: str, workload: Workload, *, max_workers: int, target_wait_seconds: float = 30.0
) -> Policy | Bound:
    """Return a fresh policy.

    Parameters
    ----------
    text
        As in `GRAMMAR`.
    workload
        Gives the mean load to the policies that begin with ``fixed-``.

    Raises
    ------
    PolicyError
        If it does not follow the grammar.
    """
    name, *numbers = text.split(":")
    if name in _BOUNDS:
        _numbers(text, numbers, 0, 0)
        return _BOUNDS[name]
    if name == "packshot":
        share = [*_numbers(text, numbers, 0, 1, most=0.9999), 0.98][0]
        return PackshotScaler(
            ScalingSettings(target_wait_seconds=target_wait_seconds, promised_share=share)
        )
    if name.startswith("fixed"):
        return FixedFleet(_fixed_workers(text, workload, max_workers))
    if name == "kpa":
        return _knative(text, numbers)
    build = _REACTIVE.get(name)
    if build is None:
        known = ", ".join(sorted(GRAMMAR))
        raise PolicyError(f"There is no policy {text!r}: write one of {known}.")
    return build(text, numbers)


def _fixed_workers(text: str, workload: Workload, max_workers: int) -> int:
    mean = max(1, math.ceil(workload.mean_load))
    by_name = {"fixed-peak": max_workers, "fixed-mean": mean, "fixed-2x-mean": 2 * mean}
    if text in by_name:
        return by_name[text]
    name, *numbers = text.split(":")
    if name != "fixed":
        raise PolicyError(f"There is no policy {text!r}: write fixed:N or {', '.join(by_name)}.")
    return int(_numbers(text, numbers, 1, 1, whole=True)[0])


def _knative(text: str, words: Sequence[str]) -> Scaler:
    values = {"min": 0.0, "delay": 0.0}
    for word in words:
        found = next((key for key in values if word.startswith(key)), None)
        if found is None:
            raise _misused(text)
        values[found] = _numbers(text, [word.removeprefix(found)], 1, 1)[0]
    return KnativeScaler(least=int(values["min"]), delay_seconds=values["delay"])


def _keda(text: str, numbers: Sequence[str]) -> Scaler:
    length = int(_numbers(text, numbers, 1, 1, least=1, whole=True)[0])
    is_running = text.startswith("keda-running")
    return KedaListScaler(length, counts_running=is_running, least=1 if is_running else 0)


def _runpod_delay(text: str, numbers: Sequence[str]) -> Scaler:
    delay, idle, *least = _numbers(text, numbers, 2, 3)
    return QueueDelayScaler(delay, idle, least=int(sum(least)))


def _request_count(text: str, numbers: Sequence[str]) -> Scaler:
    jobs, idle, buffer, *least = _numbers(text, numbers, 3, 4)
    if jobs < 1 or jobs != int(jobs):
        raise _misused(text)
    return RequestCountScaler(int(jobs), idle, buffer=int(buffer), least=int(sum(least)))


def _modal(text: str, numbers: Sequence[str]) -> Scaler:
    return ContainerPerInputScaler(_numbers(text, numbers, 1, 1)[0])


def _ray_serve(text: str, numbers: Sequence[str]) -> Scaler:
    _numbers(text, numbers, 0, 0)
    return RayServeScaler()


_REACTIVE: Final[dict[str, Callable[[str, Sequence[str]], Scaler]]] = {
    "keda": _keda,
    "keda-running": _keda,
    "runpod-delay": _runpod_delay,
    "request-count": _request_count,
    "modal": _modal,
    "ray-serve": _ray_serve,
}


def _numbers(
    text: str,
    words: Sequence[str],
    fewest: int,
    most_words: int,
    *,
    least: float = 0.0,
    most: float = math.inf,
    whole: bool = False,
) -> list[float]:
    if not fewest <= len(words) <= most_words:
        raise _misused(text)
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise _misused(text) from None
    if not all(
        math.isfinite(number) and least <= number <= most and (not whole or number == int(number))
        for number in numbers
    ):
        raise _misused(text)
    return numbers


def _misused(text: str) -> PolicyError:
    name = text.split(":", maxsplit=1)[0]
    shape = next((shape for shape in GRAMMAR if shape.split(":")[0].split("[")[0] == name), name)
    return PolicyError(f"{text!r} has numbers that cannot be used: write it as {shape}.")
