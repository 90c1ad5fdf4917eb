"""The trained networks of this machine, for whoever runs the installation.

Owns the page's order and counts. What a state means is `gpu_workers.engines.model_registry`'s; no
weights are read for a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.translation import gettext as _

from apps.compute.wire import (
    SettingInvalid,
    ShelfModel,
    model_settings_from_environ,
    shelf,
)

Tone = Literal["success", "warning", "danger", "neutral"]

_TONES: Final[Mapping[str, Tone]] = {
    "ready": "success",
    "missing": "neutral",
    "unverified": "warning",
    "unpinned": "warning",
    "damaged": "danger",
    "not_allowed": "neutral",
}
_LICENCE_TONES: Final[Mapping[str, Tone]] = {"yes": "success", "grey": "warning", "no": "danger"}
_ALWAYS_THERE: Final = ("classical", "auto")
_NETWORK: Final = "rembg:"
_KINDS: Final = ("segmenter", "garment", "backdrop")


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model with its badges."""

    model: ShelfModel
    state: str
    tone: Tone
    terms: str
    """Whether a shop may use it, in a word or two."""
    terms_tone: Tone
    is_ready: bool
    is_wanted: bool
    """Whether ``PACKSHOT_SEGMENTER`` names it."""


@dataclass(frozen=True, slots=True)
class ModelGroup:
    """The models of one kind."""

    title: str
    words: str
    """What pictures are made with where none of them is ready."""
    rows: tuple[ModelRow, ...]

    @property
    def is_each_different(self) -> bool:
        """Whether each of them gives something else."""
        return any(row.model.loss for row in self.rows)


@dataclass(frozen=True, slots=True)
class EngineModelsPage:
    """All models of this machine."""

    groups: tuple[ModelGroup, ...]
    ready: int
    folder: str
    segmenter: str
    """What cuts photos out where an order names nothing."""
    problem: str
    """Why there is no list: a setting or models.json is wrong; empty if there is one."""
    broken_default: str
    """Why no photo can be cut out by default; empty if it can."""


def engine_models_page(environ: Mapping[str, str]) -> EngineModelsPage:
    """Return how the models of this machine stand. No query; reads names and notes of files."""
    try:
        settings = model_settings_from_environ(environ)
        models = shelf(settings)
    except SettingInvalid as error:
        return EngineModelsPage((), 0, "", "", str(error), "")
    rows = [_row(model, settings.segmenter) for model in models]
    titles = {
        "segmenter": (
            _("Cutting out"),
            _("Without them the built-in segmenter cuts out, and says where it is in doubt."),
        ),
        "garment": (
            _("Telling garments apart"),
            _("Without it a garment is taken as a whole silhouette."),
        ),
        "backdrop": (
            _("Painting backdrops"),
            _("Without one, lifestyle orders get a built scene where they allow it."),
        ),
    }
    groups = [
        ModelGroup(*titles[kind], tuple(row for row in rows if row.model.kind == kind))
        for kind in _KINDS
    ]
    return EngineModelsPage(
        groups=tuple(groups),
        ready=sum(row.is_ready for row in rows),
        folder=str(settings.folder),
        segmenter=settings.segmenter,
        problem="",
        broken_default=_broken_default(settings.segmenter, models),
    )


def _broken_default(segmenter: str, models: Sequence[ShelfModel]) -> str:
    if segmenter in _ALWAYS_THERE:
        return ""
    for model in models:
        if model.kind == "segmenter" and segmenter == f"{_NETWORK}{model.name}":
            # What was not verified yet is verified by the first worker that loads it.
            is_usable = model.state in ("ready", "unverified")
            return "" if is_usable else f"{model.words}: {model.command}"
    return _("there is no segmenter of that name")


def _row(model: ShelfModel, segmenter: str) -> ModelRow:
    states = {
        "ready": _("Ready"),
        "missing": _("Missing"),
        "unverified": _("Not verified"),
        "unpinned": _("No checksum"),
        "damaged": _("Wrong file"),
        "not_allowed": _("Not allowed"),
    }
    terms = {"yes": _("commercial"), "grey": _("unclear"), "no": _("non-commercial")}
    return ModelRow(
        model=model,
        state=states[model.state],
        tone=_TONES[model.state],
        terms=terms[model.commercial],
        terms_tone=_LICENCE_TONES[model.commercial],
        is_ready=model.state == "ready",
        is_wanted=segmenter == f"{_NETWORK}{model.name}",
    )
