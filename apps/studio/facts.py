"""What was measured on a render, in words. Pure.

Owns the sentences for failures and warnings and when a measurement counts as good. The numbers
are the workers'; nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from apps.catalog.cutouts import needs_look

Tone = Literal["success", "warning", "danger", "neutral"]

_FILL_TOLERANCE: Final = 0.03
_COLOR_FAITHFUL: Final = 2.0
"""Mean Delta E 2000 that side by side hardly anybody notices (Sharma, Wu and Dalal, 2005)."""
_SHAPE_FAITHFUL: Final = 0.97

_FAILURES: Final = {
    "order.source_unusable": (
        "No product could be found in the photo. "
        "Photograph it closer or on a plain background, then order it again."
    ),
    "order.words_unfit": (
        "The words do not fit this picture, or no font can write them. Shorten them, fill in at "
        "least a headline (for a badge, the badge), or choose another scene."
    ),
    "order.object_missing": "The source photo is no longer stored. Upload it again.",
    "order.invalid": "The workers do not know this kind of order. Update them and retry.",
    "order.model_missing": (
        "The network this order asks for is not ready on the workers. "
        "Ask whoever runs Packshot to look at its models, then retry."
    ),
    "order.model_refused": (
        "The network this order asks for may not be used here. Order it with another engine."
    ),
    "engine.crashed": "The engine broke off on this photo. Retry; if it fails again, use another.",
    "engine.deadline_exceeded": "The photo took longer than allowed. Retry, or use a smaller one.",
    "engine.failed": "The engine failed. Retry this render.",
    "order.generation_rejected": (
        "No backdrop could be painted without changing the shape of the product. "
        "Order it again for other tries, or choose a drawn scene."
    ),
    "device.unfit": "The machine broke down while it worked. Retry this render.",
    "compute.attempts_exhausted": "Several workers were lost while making this. Retry it.",
    "compute.worker_lost": "The worker was lost while making this. Retry it.",
    "compute.result_refused": "The finished files could not be taken in. Retry this render.",
    "compute.manifest_unreadable": "The worker's report could not be read. Retry this render.",
}
_FAILED: Final = "This render could not be made. Retry it."

_NOT_WHITE: Final = "background_not_white"
_WARNINGS: Final = {
    _NOT_WHITE: "Background is not exactly white",
    "text_shrunk": "Long words made the headline small",
    "line_breaks_guessed": "Please check where lines end inside words",
    "text_over_product": "Words lie over the product",
    "text_contrast": "Words are hard to read on their ground",
    "logo_enlarged": "Enlarged from a small logo",
    "too_large": "File is larger than the channel allows",
    "enlarged": "Enlarged from a smaller photo",
    "transparency_lost": "JPEG has no transparency: white was put behind",
    "low_confidence": "Please check the edge of the product",
    "touches_frame": "The photo cuts the product off",
    "made_as_scene": "The backdrop was drawn, not painted: no generator is installed",
    "garment_not_found": "No garment was recognized: the product is shown as it is",
    "garment_pose_unsure": "Please check how the garment hangs beside the others",
    "display_reduced": "Shown smaller than the others: it would not fit the frame",
    "hanger_may_show": "Please check the collar: a hanger may show",
    "body_cut_away": "Please check where the wearer was cut away",
    "back_not_used": "The photo of the inside was not used",
    "back_fit_unsure": "Please check how the inside of the back fits",
    "color_not_reached": "The color could not be reached: the cloth is too dark or too light",
    "relight_held_back": "Relit less than asked, to keep the product's colors",
    "no_shadow": "No shadow falls with this light",
    "expanded_texture": "Please check the texture that was added",
    "mostly_new": "Most of this picture was added to the photo",
    "product_cut_off": "The photo cuts the product off where the picture goes on",
    "base_low_resolution": "Enlarged from a small photo of the blank thing",
    "design_low_resolution": "The design has too few pixels for this print",
    "design_cropped": "The design was cropped to fill the print area",
    "design_not_visible": "Nothing of the design lies on the print area",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the panel: what, how much, and whether that is good."""

    label: str
    value: str
    tone: Tone = "neutral"


def failure_sentence(code: str) -> str:
    """Return what a seller is told about a failure, with the cure."""
    return _FAILURES.get(code, _FAILED)


def warning_sentence(code: str) -> str:
    """Return a warning in words; an unknown code as it is, with spaces."""
    return _WARNINGS.get(code, code.replace("_", " "))


def warnings_of(files: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the warnings of all files in words, each once, in the order met."""
    codes = [code for file in files for code in file.get("checks", {}).get("warnings", [])]
    return tuple(warning_sentence(code) for code in dict.fromkeys(codes))


def facts_of(
    *,
    file: Mapping[str, Any] | None,
    output: Mapping[str, Any] | None,
    confidence: float | None,
    fidelity: Mapping[str, float],
) -> tuple[Fact, ...]:
    """Return the measurements of a render and its first finished file.

    Parameters
    ----------
    file, output
        The finished file and what was ordered of it, in the protocol's values.
    confidence
        Of the cutout, 0 to 1.
    fidelity
        ``delta_e_mean``, ``delta_e_p99`` and ``silhouette_iou``; those known.
    """
    checks = file.get("checks", {}) if file else {}
    facts = [
        _white(checks, output),
        _fill(checks, output),
        _color(fidelity),
        _shape(fidelity),
        _confidence(confidence),
    ]
    return tuple(fact for fact in facts if fact is not None)


def _white(checks: Mapping[str, Any], output: Mapping[str, Any] | None) -> Fact | None:
    share = checks.get("white_share")
    if share is None or output is None or not output.get("exact_white"):
        return None
    if share >= 1:
        return Fact("White background", "100 %", "success")
    # Never rounded up to 100 %: what is not whole is not white.
    value = f"{min(share, 0.9999):.2%}".replace("%", " %")
    if _NOT_WHITE in checks.get("warnings", []):
        return Fact("White background", value, "danger")
    # The workers tolerate JPEG's ringing within a block of the edge, and nothing beyond.
    return Fact("White background", f"{value}, rest at the edge", "success")


def _fill(checks: Mapping[str, Any], output: Mapping[str, Any] | None) -> Fact | None:
    fill = checks.get("fill")
    if fill is None:
        return None
    target = output.get("fill") if output else None
    if target is None:
        return Fact("Fill", f"{fill:.0%}".replace("%", " %"))
    value = f"{fill:.0%} of {target:.0%}".replace("%", " %")
    near = abs(fill - target) <= _FILL_TOLERANCE
    return Fact("Fill", value, "success" if near else "warning")


def _color(fidelity: Mapping[str, float]) -> Fact | None:
    mean = fidelity.get("delta_e_mean")
    if mean is None:
        return None
    return Fact("Color ΔE", f"{mean:.1f} mean", "success" if mean <= _COLOR_FAITHFUL else "warning")


def _shape(fidelity: Mapping[str, float]) -> Fact | None:
    overlap = fidelity.get("silhouette_iou")
    if overlap is None:
        return None
    value = f"{overlap:.1%}".replace("%", " %")
    return Fact("Outline kept", value, "success" if overlap >= _SHAPE_FAITHFUL else "warning")


def _confidence(confidence: float | None) -> Fact | None:
    if confidence is None:
        return None
    value = f"{confidence:.0%}".replace("%", " %")
    return Fact("Cutout confidence", value, "warning" if needs_look(confidence) else "success")
