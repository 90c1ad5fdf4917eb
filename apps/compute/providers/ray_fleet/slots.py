"""What a worker of each class takes of a machine, and how many more fit. Pure.

Amounts are in Ray's own units: ``CPU`` and ``GPU`` are counted, other names are the operator's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Amounts: TypeAlias = Mapping[str, float]
"""How much of each resource."""

_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of the cluster."""

    place: str
    resources: Amounts
    """All it has."""
    available: Amounts
    """What Ray would still give away; a name that is missing is used up. It is late by a second,
    but knows of slots that others took, or that Ray lost with a head while it filled them."""
    is_spot: bool = False


@dataclass(frozen=True, slots=True)
class Tenure:
    """A worker that takes a slot, or waits for one."""

    worker_class: str
    place: str
    """Its machine; empty while it waits."""


def parse_slots(text: str, worker_classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Read slots like ``cpu=CPU:1, gpu=CPU:2+GPU:1``.

    Raises
    ------
    ValueError
        If the text cannot be read, or names a class there is not; the message says which part.
    """
    slots: dict[str, dict[str, float]] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        worker_class, _, wanted = (each.strip() for each in part.partition("="))
        if worker_class not in worker_classes:
            raise ValueError(f"{part!r} begins with none of {', '.join(worker_classes)}")
        slots[worker_class] = _parse_amounts(wanted, part)
    return slots


def _parse_amounts(text: str, part: str) -> dict[str, float]:
    amounts = {}
    for each in text.split("+"):
        name, _, number = (piece.strip() for piece in each.partition(":"))
        try:
            amount = float(number)
        except ValueError:
            amount = 0.0
        if not name or not amount > 0:
            raise ValueError(f"{part!r} is not like gpu=CPU:2+GPU:1")
        amounts[name] = amount
    return amounts


def capacity(
    worker_class: str,
    slots: Mapping[str, Amounts],
    machines: Iterable[Machine],
    tenures: Iterable[Tenure],
) -> int:
    """Return how many workers of a class there can be: those that have a slot, and those that fit.

    Machines that may be taken away at any time (spot) count only for the workers they carry.
    Waiting workers are given the first slot that fits, before any other.
    """
    free: dict[str, dict[str, float]] = {}
    available: dict[str, dict[str, float]] = {}
    for machine in machines:
        if not machine.is_spot:
            _give(free.setdefault(machine.place, {}), machine.resources)
            _give(available.setdefault(machine.place, {}), machine.available)
    seated = 0
    waiting = []
    for tenure in tenures:
        if not tenure.place:
            waiting.append(tenure)
            continue
        seated += tenure.worker_class == worker_class
        if tenure.place in free:
            _take(free[tenure.place], slots.get(tenure.worker_class, {}))
    for place, amounts in free.items():
        for name in amounts:
            amounts[name] = min(amounts[name], available[place].get(name, 0.0))
    for tenure in waiting:
        slot = slots.get(tenure.worker_class, {})
        found = next((each for each in sorted(free) if _fitting(free[each], slot)), None)
        if found is not None:
            seated += tenure.worker_class == worker_class
            _take(free[found], slot)
    return seated + sum(_fitting(amounts, slots[worker_class]) for amounts in free.values())


def _fitting(free: Amounts, slot: Amounts) -> int:
    if not slot:
        return 0
    return max(0, min(int(free.get(name, 0.0) / each + _TINY) for name, each in slot.items()))


def _give(free: dict[str, float], amounts: Amounts) -> None:
    for name, amount in amounts.items():
        free[name] = free.get(name, 0.0) + amount


def _take(free: dict[str, float], slot: Amounts) -> None:
    for name, amount in slot.items():
        free[name] = free.get(name, 0.0) - amount
