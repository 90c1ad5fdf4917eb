"""Forms of the compute app: reading what pages send. Which values make sense, services judge."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypedDict

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.compute.models import DemandPeriod
from apps.compute.services.demand import KINDS, MAX_RENDERS

_LOCAL_TIME: Final = "%Y-%m-%dT%H:%M"
_KIND_WORDS: Final = {
    "packshot": _("Plain packshots"),
    "scene": _("Lifestyle scenes"),
    "cutout": _("Cutouts"),
}
_SPREADS: Final = (
    ("0", _("all at once")),
    ("3600", _("over one hour")),
    ("14400", _("over four hours")),
    ("28800", _("over a working day")),
    ("86400", _("over a day and a night")),
    ("259200", _("over three days")),
)
_TARGETS: Final = (
    ("30", _("30 seconds")),
    ("60", _("a minute")),
    ("300", _("5 minutes")),
    ("3600", _("an hour")),
)
_START_HOUR: Final = 9
_USUAL_HOURS: Final = 4


class DemandInput(TypedDict):
    """The arguments of `plan_demand`, without the actor."""

    name: str
    starts_at: datetime
    ends_at: datetime
    renders: int
    kind: str
    note: str


def kind_choices() -> list[tuple[str, Any]]:
    """Return the kinds that can be planned, the commonest first, with their words."""
    known = [kind for kind in _KIND_WORDS if kind in KINDS]
    return [(kind, _KIND_WORDS[kind]) for kind in known]


class _Moment(forms.DateTimeField):
    """A date and time in UTC, to the minute."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            widget=forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": 60, "data-utc-field": True},
                format=_LOCAL_TIME,
            ),
            input_formats=[_LOCAL_TIME, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
            error_messages={"invalid": _("Write date and time like 2026-11-27 09:00.")},
            **options,
        )


class DemandForm(forms.Form):
    """A planned demand period."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": _("Spring launch"), "autocomplete": "off"}),
    )
    starts_at = _Moment(label=_("Starts (UTC)"))
    ends_at = _Moment(label=_("Ends (UTC)"))
    renders = forms.IntegerField(
        label=_("Renders expected"),
        min_value=1,
        max_value=MAX_RENDERS,
        help_text=_("In the whole period. Photos times takes."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    kind = forms.ChoiceField(label=_("Mostly"))
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        if isinstance(field, forms.ChoiceField):
            field.choices = kind_choices()

    def clean(self) -> dict[str, Any]:
        """Say early what the service would refuse anyway: an end before its start."""
        cleaned = super().clean() or {}
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("Choose an end after the start."))
        return cleaned

    def arguments(self) -> DemandInput:
        """Return the input of a valid form."""
        cleaned = self.cleaned_data
        return DemandInput(
            name=cleaned["name"],
            starts_at=cleaned["starts_at"],
            ends_at=cleaned["ends_at"],
            renders=cleaned["renders"],
            kind=cleaned["kind"],
            note=cleaned["note"],
        )

    def blame(self, message: str, field: object) -> None:
        """Show what the service refused, beside its field where it names one."""
        self.add_error(field if isinstance(field, str) and field in self.fields else None, message)


def values_of(period: DemandPeriod) -> dict[str, Any]:
    """Return a period as initial values of its form."""
    return {
        "name": period.name,
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
        "renders": period.renders,
        "kind": period.kind,
        "note": period.note,
    }


def suggested_values(now: datetime, day: date | None, given: dict[str, str]) -> dict[str, Any]:
    """Return initial values of a new period: a morning of the day, tomorrow's without one.

    Parameters
    ----------
    given
        What a link carries: ``renders``, ``kind``, ``starts_at`` and ``ends_at`` as a form would.
    """
    on = day if day and day > now.date() else now.date() + timedelta(days=1)
    starts_at = datetime.combine(on, time(_START_HOUR), tzinfo=now.tzinfo)
    values: dict[str, Any] = {
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=_USUAL_HOURS),
        "kind": KINDS[1],
    }
    wanted = ("name", "renders", "kind", "starts_at", "ends_at")
    return values | {name: given[name] for name in wanted if given.get(name)}


class PlannerForm(forms.Form):
    """A question to the simulator: so many images, then and there."""

    images = forms.IntegerField(
        label=_("Images"),
        min_value=1,
        max_value=MAX_RENDERS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    starts_at = _Moment(label=_("From (UTC)"))
    spread = forms.ChoiceField(label=_("They are ordered"), choices=_SPREADS)
    kind = forms.ChoiceField(label=_("Mostly"))
    target_wait = forms.ChoiceField(label=_("Each starts within"), choices=_TARGETS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        if isinstance(field, forms.ChoiceField):
            field.choices = kind_choices()

    def blame(self, message: str, field: object) -> None:
        """Show what could not be computed, beside its field where it names one."""
        self.add_error(field if isinstance(field, str) and field in self.fields else None, message)


def usual_question(now: datetime) -> dict[str, Any]:
    """Return the planner's first values: a launch on the next Friday morning."""
    friday = now.date() + timedelta(days=(4 - now.weekday()) % 7 or 7)
    return {
        "images": 4_000,
        "starts_at": datetime.combine(friday, time(_START_HOUR), tzinfo=now.tzinfo),
        "spread": "14400",
        "kind": "packshot",
        "target_wait": "30",
    }


class WhatIfForm(forms.Form):
    """An operator's question to the simulator: the last day with another fleet."""

    worker_class = forms.ChoiceField(label=_("Worker class"))
    max_workers = forms.IntegerField(
        label=_("At most, workers"),
        min_value=1,
        max_value=500,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    target_wait_seconds = forms.FloatField(
        label=_("Target wait, seconds"), min_value=1, max_value=3600
    )
    cold_start_seconds = forms.FloatField(
        label=_("Cold start, seconds"), min_value=0, max_value=3600
    )

    def __init__(self, *args: Any, worker_classes: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["worker_class"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(name, name) for name in worker_classes]
