"""The product in the light of its new scene.

Owns the bound and what is told of it. Nothing counts as made: the certificate of fidelity shows by
how much the relit product differs from the photo.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gpu_workers.imaging.arrays import Cutout
from gpu_workers.imaging.relight import relight
from gpu_workers.kind_options.relight import RelightOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.scene_spec import Light

_HELD_BACK: Final = 0.35
"""Below this share of the wanted change the light is as good as unchanged."""


def obtain_relit(inputs: Inputs) -> Subject:
    """Return the product relit towards the light of the order's scene."""
    scene = inputs.order.scene
    options: RelightOptions = scene.options
    subject = relit(inputs.subject(), scene.light, options.strength, options.delta_e)
    if subject.checks["relight_strength"] >= _HELD_BACK:
        return subject
    return replace(subject, warnings=(*subject.warnings, "relight_held_back"))


def relit(subject: Subject, light: Light, strength: float, limit: float) -> Subject:
    """Return a subject relit within a limit, with what was reached."""
    cutout = subject.cutout
    made = relight(cutout.color, cutout.matte, light, strength=strength, limit=limit)
    checks = {"relight_strength": made.strength, "relight_delta_e_p99": made.delta_e_p99}
    return replace(
        subject,
        cutout=Cutout(made.color, cutout.matte, cutout.confidence),
        checks={**subject.checks, **checks},
    )
