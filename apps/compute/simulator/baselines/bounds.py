"""What no scaler can pass: those who know the future. Pure.

They are computed, not simulated: every job begins when it arrives.
"""

from __future__ import annotations

import heapq

from apps.compute.simulator.engine import TAIL_SECONDS, Record
from apps.compute.simulator.fleet import Life
from apps.compute.simulator.workload import Workload


def work_only(workload: Workload, *, cold_start_seconds: float) -> Record:
    """Return a fleet that is paid for its work and for nothing else.

    Parameters
    ----------
    cold_start_seconds
        Has no bearing: starts cost nothing here.
    """
    del cold_start_seconds
    lives = [
        Life(start, start, start + seconds)
        for start, seconds in zip(workload.arrival.tolist(), workload.work.tolist(), strict=True)
    ]
    return _record(workload, lives, cold_starts=0)


def clairvoyant(workload: Workload, *, cold_start_seconds: float) -> Record:
    """Return the cheapest fleet without a single wait: it is warm whenever a job arrives.

    A job goes to the worker that was idle for the shortest time, if its idle time costs no more
    than a start does; else a worker is launched a cold start early. There is no cap.
    """
    idle: list[Life] = []
    busy: list[tuple[float, int, Life]] = []
    lives: list[Life] = []
    for job, (arrival, seconds) in enumerate(
        zip(workload.arrival.tolist(), workload.work.tolist(), strict=True)
    ):
        while busy and busy[0][0] <= arrival:
            idle.append(heapq.heappop(busy)[2])
        if idle and arrival - idle[-1].released_at <= cold_start_seconds:
            life = idle.pop()
        else:
            # The others were idle for even longer.
            idle.clear()
            life = Life(arrival - cold_start_seconds, arrival, arrival)
            lives.append(life)
        life.released_at = arrival + seconds
        heapq.heappush(busy, (life.released_at, job, life))
    return _record(workload, lives, cold_starts=len(lives))


def _record(workload: Workload, lives: list[Life], *, cold_starts: int) -> Record:
    done = (workload.arrival + workload.work).tolist()
    return Record(
        start=workload.arrival.tolist(),
        done=done,
        end=max(*done, workload.span_seconds + TAIL_SECONDS),
        lives=lives,
        cold_starts=cold_starts,
        killed=0,
        lost=0,
        swaps=0,
        batches=len(workload),
        refused=0,
        busy_seconds=workload.work_seconds,
    )
