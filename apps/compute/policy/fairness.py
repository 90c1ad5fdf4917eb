"""Who is next: virtual counters, and the four exceptions to them. Pure.

A tenant's counter is the worker-seconds charged to it divided by its weight. The next work comes
from the tenant with the smallest counter among those that have some, ties by id: whoever has work
is served in proportion to the weights, and nobody idles a worker for the sake of a share. For
tenants that stay backlogged the weighted service differs by at most
``(workers + 1) (Lmax / w_i + Lmax / w_j)``, plus the lag where batches and warm engines allow one.

A tenant that returns from idle starts at the smallest counter in the race: idleness earns no
credit. A debt beyond `DEBT_CAP_SECONDS` of share is forgiven, so that one wrong estimate cannot
lock a tenant out. If nobody is in the race, it starts level with the largest counter: what was
taken while nobody else wanted it is not held against anyone.

Exceptions, in this order: a tenant below the workers its contract reserves goes first; work that
is overdue by `AGING_FACTOR` goes next; a tenant that holds twice its share waits while others do;
and of those within the lag of the smallest counter one is preferred for whose work a worker has
loaded what it needs, or whose work can still be in time.

Source: start-time fair queueing (Goyal, Vin and Cheng, 1996), with the counter in place of tags;
the virtual token counter (Sheng et al., OSDI 2024) for the lift on return from idle.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from apps.compute.policy.snapshot import TenantShare

DEBT_CAP_SECONDS: Final = 600.0
AGING_FACTOR: Final = 4.0
LATE_FACTOR: Final = 3.0
"""In a tenant's own line, what waited so many targets goes before what can still be in time. Not so
among tenants: a burst is late as a whole, and raised the others' p95 wait by half."""
GUARD_FACTOR: Final = 2.0
"""While others wait, a tenant holds at most ``max(1, ceil(factor * share * workers))`` workers."""
BULK_PATIENCE_SECONDS: Final = 1200.0
"""After this wait a tenant's bulk work gets a place beside its own interactive work."""


def starting_counters(shares: Iterable[TenantShare], with_work: frozenset[str]) -> dict[str, float]:
    """Return the counters that the tenants with work race with.

    Parameters
    ----------
    shares
        Of one worker class.
    with_work
        Tenants that have something waiting; each has a share.
    """
    known = {share.tenant: share for share in shares}
    racing = [known[tenant].served for tenant in with_work if known[tenant].was_active]
    everyone = [share.served for share in known.values()]
    floor = min(racing) if racing else max(everyone, default=0.0)
    return {
        tenant: min(
            known[tenant].served if known[tenant].was_active else max(known[tenant].served, floor),
            floor + DEBT_CAP_SECONDS,
        )
        for tenant in with_work
    }


def patience_seconds(target_seconds: float, p50_seconds: float, share: float) -> float:
    """Return how long work of a tenant that holds no worker may wait before it goes first.

    Parameters
    ----------
    target_seconds
        The wait that its class aims at.
    p50_seconds
        Its own estimate, or what its tenant was last charged, whichever is longer.
    share
        Workers that the tenant's weight entitles it to now, above 0, fractions included.

    Notes
    -----
    `AGING_FACTOR` times the target, or as many times as long as the tenant's share of the fleet
    needs to earn such an item; counted from its arrival or from the tenant's last service. Without
    the second term everything would be overdue in an overload and the order would be first come,
    first served again. So no tenant falls below a quarter of its share, and one that holds a
    worker is not starving: a burst of thousands cannot age past the others.

    Examples
    --------
    >>> patience_seconds(30.0, p50_seconds=20.0, share=0.25)
    320.0
    """
    return AGING_FACTOR * max(target_seconds, p50_seconds / share)
