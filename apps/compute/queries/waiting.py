"""Why work waits, in one sentence. Pure but for the language.

Owns the words; `lane` gathers the facts. Times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.charts import number


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides how long a workspace's work waits, in the worker classes it needs."""

    queued: int
    in_flight: int
    workers: int
    """Alive and not draining."""
    starting: int
    others: int
    """Other workspaces with open work."""
    weight: float
    others_weight: float


def why_waiting(now: Situation) -> str:
    """Return one sentence, sometimes a second one, for a person who asks why nothing happens."""
    if now.queued == 0:
        return _nothing_waits(now)
    sentence = _reason(now)
    if now.starting and now.workers:
        more = ngettext(
            "One more worker is starting.", "%(count)d more workers are starting.", now.starting
        ) % {"count": now.starting}
        return f"{sentence} {more}"
    return sentence


def _nothing_waits(now: Situation) -> str:
    if now.in_flight:
        return ngettext(
            "Nothing waits: your last open render is with a worker.",
            "Nothing waits: your %(count)d open renders are with workers.",
            now.in_flight,
        ) % {"count": now.in_flight}
    if now.workers == 0 and now.starting == 0:
        return _("Nothing waits. No worker is up right now; what you order waits for one to start.")
    return _("Nothing waits, and you have nothing open.")


def _reason(now: Situation) -> str:
    if now.workers == 0 and now.starting:
        return ngettext(
            "Your work waits for a worker that is starting.",
            "Your work waits for %(count)d workers that are starting.",
            now.starting,
        ) % {"count": now.starting}
    if now.workers == 0:
        return _(
            "Your work waits because no worker for it is running. Nothing is lost: it goes on as "
            "soon as one is back. Ask whoever runs this server."
        )
    if now.others:
        return ngettext(
            "Your work waits because another workspace wants the fleet too; "
            "you get %(mine)s of every %(all)s parts of it.",
            "Your work waits because %(count)d other workspaces want the fleet too; "
            "you get %(mine)s of every %(all)s parts of it.",
            now.others,
        ) % {
            "count": now.others,
            "mine": number(now.weight),
            "all": number(now.weight + now.others_weight),
        }
    return ngettext(
        "Your work waits for your own orders ahead of it; the one worker is yours alone.",
        "Your work waits for your own orders ahead of it; all %(count)d workers are yours alone.",
        now.workers,
    ) % {"count": now.workers}
