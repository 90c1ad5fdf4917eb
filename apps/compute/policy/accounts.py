"""The tenants' counters in one worker class. Pure.

Owns how a counter rises, what is lifted and forgiven, and who is in the race. Does not know lines
or lanes.
"""

from __future__ import annotations

import math

from apps.compute.policy.decisions import ShareChange
from apps.compute.policy.fairness import DEBT_CAP_SECONDS, starting_counters
from apps.compute.policy.race import Race
from apps.compute.policy.snapshot import TenantShare


class Account:
    """A tenant's counter, over all lanes of the class."""

    __slots__ = (
        "counter",
        "held",
        "is_active",
        "last_at",
        "last_seconds",
        "lift",
        "reserved",
        "waiting",
        "was_active",
        "weight",
    )

    def __init__(self, share: TenantShare) -> None:
        self.weight = share.weight
        self.counter = share.served
        self.reserved = share.reserved
        self.is_active = self.was_active = share.was_active
        self.lift = 0.0
        """Added apart from charges since changes were last asked for."""
        self.waiting = 0
        self.held = 0
        """Batches in flight that this tenant's work began."""
        # Whoever was in the race was served at some time: not knowing when, do not call it late.
        self.last_at = math.inf if share.was_active and not share.last_at else share.last_at
        self.last_seconds = share.last_seconds


class Accounts:
    """All tenants of one worker class that were ever made known."""

    def __init__(self, worker_class: str) -> None:
        self._worker_class = worker_class
        self._accounts: dict[str, Account] = {}
        self._racing = Race()
        self._touched: set[str] = set()
        self._top = 0.0
        self.reserving: set[str] = set()
        """Tenants whose contract reserves workers; few, they are looked at one by one."""

    def __contains__(self, tenant: str) -> bool:
        return tenant in self._accounts

    def __getitem__(self, tenant: str) -> Account:
        account = self._accounts.get(tenant)
        if account is None:
            raise ValueError(f"{tenant} has no share in {self._worker_class}: make it known first")
        return account

    def know(self, share: TenantShare) -> float:
        """Enter or change a tenant. Return by how much its weight changed."""
        if not share.weight > 0:
            raise ValueError(f"{share.tenant} has weight {share.weight}; weights are above 0")
        if share.reserved:
            self.reserving.add(share.tenant)
        else:
            self.reserving.discard(share.tenant)
        account = self._accounts.get(share.tenant)
        if account is None:
            self._accounts[share.tenant] = Account(share)
            self._top = max(self._top, share.served)
            if share.was_active:
                self._touched.add(share.tenant)
            return 0.0
        difference = share.weight - account.weight
        account.weight, account.reserved = share.weight, share.reserved
        return difference

    def load(self, with_work: frozenset[str]) -> None:
        """Bring all who have work into the race at once, in no order."""
        shares = [
            TenantShare(name, self._worker_class, each.weight, each.counter, each.was_active)
            for name, each in self._accounts.items()
        ]
        for tenant, counter in starting_counters(shares, with_work).items():
            account = self[tenant]
            account.is_active = True
            self._lift(tenant, account, counter - account.counter)

    def wait(self, tenant: str) -> None:
        """Count one more item of a tenant that waits; the first brings it into the race."""
        account = self[tenant]
        if not account.is_active:
            # No credit from idleness, and no debt beyond the cap.
            floor = self._floor()
            counter = max(account.counter, self._top if floor is None else floor)
            account.is_active = True
            self._lift(tenant, account, counter - account.counter)
            self._forgive(tenant, account)
        account.waiting += 1
        self._racing.put(tenant, account.counter)

    def leave(self, tenant: str) -> None:
        """Count one item less; with the last one the tenant leaves the race."""
        account = self[tenant]
        account.waiting -= 1
        if not account.waiting:
            account.is_active = False
            self._touched.add(tenant)
            self._racing.drop(tenant)

    def charge(self, tenant: str, seconds: float, extra_seconds: float, now: float) -> float:
        """Charge an item, and an extra that is never trued up. Return the rise of the counter."""
        account = self[tenant]
        rise = (seconds + extra_seconds) / account.weight
        account.counter += rise
        account.last_at, account.last_seconds = now, seconds
        self._top = max(self._top, account.counter)
        return rise

    def true_up(self, tenant: str, difference_seconds: float) -> bool:
        """Correct a charge. Return whether the counter fell."""
        account = self[tenant]
        before = account.counter
        account.counter += difference_seconds / account.weight
        if difference_seconds > 0:
            self._forgive(tenant, account)
        elif account.waiting:
            self._racing.put(tenant, account.counter)
        self._top = max(self._top, account.counter)
        return account.counter < before

    def changes(self) -> list[ShareChange]:
        """Return counters lifted and tenants that joined or left since the last call, by id."""
        changed = []
        for tenant in sorted(self._touched):
            account = self._accounts[tenant]
            if account.lift or account.is_active != account.was_active:
                changed.append(
                    ShareChange(tenant, self._worker_class, account.lift, account.is_active)
                )
            account.lift, account.was_active = 0.0, account.is_active
        self._touched.clear()
        return changed

    def counters(self) -> dict[str, float]:
        """Return every tenant's counter, in seconds of share."""
        return {tenant: account.counter for tenant, account in self._accounts.items()}

    def queued_of(self, tenant: str) -> int:
        """Return how many items of a tenant wait, 0 for one that is not known."""
        account = self._accounts.get(tenant)
        return account.waiting if account else 0

    def _forgive(self, tenant: str, account: Account) -> None:
        """Cut off what is beyond the cap of debt."""
        floor = self._floor()
        if account.is_active and floor is not None and account.counter > floor + DEBT_CAP_SECONDS:
            self._lift(tenant, account, floor + DEBT_CAP_SECONDS - account.counter)

    def _lift(self, tenant: str, account: Account, seconds: float) -> None:
        account.counter += seconds
        account.lift += seconds
        self._top = max(self._top, account.counter)
        self._touched.add(tenant)

    def _floor(self) -> float | None:
        """Return the smallest counter of those who have work waiting."""
        first = self._racing.first(self._racing_counter)
        return first[0] if first else None

    def _racing_counter(self, tenant: str) -> float | None:
        account = self._accounts[tenant]
        return account.counter if account.waiting else None
