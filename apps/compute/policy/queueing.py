"""Closed forms for the M/M/c queue: Poisson arrivals, exponential service, c servers. Pure.

Times are seconds and rates are per second. Source: Kleinrock, *Queueing Systems*, vol. 1 (1975),
section 3.5. Real arrivals are burstier than Poisson: these forms are a floor for sizing, the
replay of real arrivals is the judge.
"""

from __future__ import annotations

import math


def erlang_c(workers: int, offered_load: float) -> float:
    """Return the probability that an arriving work item has to wait.

    Parameters
    ----------
    workers
        Servers in the fleet, c >= 1.
    offered_load
        Arrival rate times mean service time, in erlangs; 0 <= a < c.

    Raises
    ------
    ValueError
        If the queue has no steady state (a >= c) or an argument is out of range.

    Notes
    -----
    Computed through the Erlang B recursion B(c) = a B(c-1) / (c + a B(c-1)), which cannot
    overflow; then C = B / (1 - (a / c) (1 - B)).

    Examples
    --------
    >>> round(erlang_c(workers=4, offered_load=3.0), 4)
    0.5094
    """
    if workers < 1 or not 0 <= offered_load < workers:
        raise ValueError(f"no steady state: c={workers}, a={offered_load}")
    blocking = 1.0
    for servers in range(1, workers + 1):
        blocking = offered_load * blocking / (servers + offered_load * blocking)
    return blocking / (1 - offered_load / workers * (1 - blocking))


def late_share(
    workers: int, offered_load: float, *, service_seconds: float, target_seconds: float
) -> float:
    """Return the share of work that waits longer than the target, between 0 and 1.

    P(W > T) = C(c, a) exp(-(c - a) T / S); 1 where the queue has no steady state.

    Parameters
    ----------
    service_seconds
        Mean service time S, above 0.
    target_seconds
        The wait T that is allowed, at least 0.

    Examples
    --------
    >>> round(late_share(4, 3.0, service_seconds=20.0, target_seconds=30.0), 4)
    0.1137
    """
    if workers < 1 or offered_load >= workers:
        return 1.0
    slack = (workers - offered_load) * target_seconds / service_seconds
    return erlang_c(workers, offered_load) * math.exp(-slack)


def workers_for(
    offered_load: float,
    *,
    service_seconds: float,
    target_seconds: float,
    late: float,
    limit: int = 10_000,
) -> int:
    """Return the fewest workers with which at most a share of the work waits over the target.

    Parameters
    ----------
    offered_load
        In erlangs, at least 0; without load no worker is needed.
    late
        The share that may be late, above 0.
    limit
        The answer is not searched beyond it.

    Examples
    --------
    >>> workers_for(3.0, service_seconds=20.0, target_seconds=30.0, late=0.05)
    5
    """
    if offered_load <= 0:
        return 0
    workers = max(1, math.ceil(offered_load))
    while workers < limit and (
        late_share(
            workers, offered_load, service_seconds=service_seconds, target_seconds=target_seconds
        )
        > late
    ):
        workers += 1
    return workers
