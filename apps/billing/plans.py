"""Plans and what they include. Pure. One credit is one finished render; seats are free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """What a workspace has subscribed to."""

    slug: str
    name: str
    monthly_credits: int
    weight: float
    """Share of the fleet while workspaces compete, relative to the others."""
    reserved_workers: int = 0
    """Workers that are kept warm for the workspace and serve it first, by contract."""


PLANS: Final[dict[str, Plan]] = {
    plan.slug: plan
    for plan in (
        Plan("trial", "Trial", monthly_credits=200, weight=1.0),
        Plan("starter", "Starter", monthly_credits=1_000, weight=2.0),
        Plan("pro", "Pro", monthly_credits=5_000, weight=4.0),
        Plan("studio", "Studio", monthly_credits=25_000, weight=8.0),
    )
}
CREDITS_PER_RENDER: Final = 1
