"""Which engines lie on the device, which in host memory, which only on disk: a pure decision.

Owns the rule: the least recently used make room, and none moves that need not. Does not move
anything (`diffusion.pool`). Bytes throughout; ``used`` is any number that grows with each use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class TooLarge(ValueError):
    """What is wanted does not fit even into an empty memory."""


@dataclass(frozen=True, slots=True)
class Resident:
    """An engine whose weights are in memory."""

    name: str
    weight_bytes: int
    used: int
    """When it was used last; equal numbers are ordered by name."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What has to leave before the wanted engine may come."""

    offload: tuple[str, ...]
    """From the device to host memory, least recently used first."""
    drop: tuple[str, ...]
    """Out of host memory, least recently used first."""


def plan_moves(
    wanted: Resident,
    on_device: Iterable[Resident],
    in_host: Iterable[Resident],
    *,
    device_budget_bytes: int,
    host_budget_bytes: int,
    working_bytes: int = 0,
) -> Moves:
    """Decide what makes room for an engine.

    Parameters
    ----------
    wanted
        The engine to be used next. Where it is already, it stays.
    on_device, in_host
        Engines whose weights lie there. An engine on the device keeps a copy in host memory, from
        which it comes back, so what is on the device is also in host memory.
    working_bytes
        Device memory that the wanted engine needs beside its weights while it works.

    Raises
    ------
    TooLarge
        If the engine alone exceeds a budget.

    Notes
    -----
    Evicting strictly by age can evict more than it must: after a large engine has gone, a small
    older one may fit again. Those are spared, most recently used first.
    """
    device_room = device_budget_bytes - wanted.weight_bytes - working_bytes
    if device_room < 0:
        raise TooLarge(
            f"{wanted.name} needs {wanted.weight_bytes + working_bytes} bytes of device memory; "
            f"{device_budget_bytes} may be used"
        )
    host_room = host_budget_bytes - wanted.weight_bytes
    if host_room < 0:
        raise TooLarge(
            f"{wanted.name} needs {wanted.weight_bytes} bytes of host memory; "
            f"{host_budget_bytes} may be used"
        )
    others_in_host = [each for each in in_host if each.name != wanted.name]
    drop = _evicted(others_in_host, host_room)
    # What is dropped from the host has no copy to come back from, so it leaves the device too.
    staying = [
        each for each in on_device if each.name != wanted.name and each.name not in set(drop)
    ]
    gone = {each.name for each in on_device} & set(drop)
    offload = (*(name for name in drop if name in gone), *_evicted(staying, device_room))
    return Moves(offload=offload, drop=drop)


def _evicted(residents: list[Resident], room: int) -> tuple[str, ...]:
    """Return who leaves so that the rest fits into `room`."""
    newest_first = sorted(residents, key=lambda each: (each.used, each.name), reverse=True)
    kept = 0
    leaving = []
    for each in newest_first:
        if kept + each.weight_bytes <= room:
            kept += each.weight_bytes
        else:
            leaving.append(each.name)
    return tuple(reversed(leaving))
