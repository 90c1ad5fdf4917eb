"""How well a guess at the mask can be expected to overlap the product.

Owns what is measured on a mask and how the measures add up. Does not choose (`confidence`).

The sum is a ridge regression of intersection over union on these measures, each clipped to the
range it has on most masks, so that an odd picture cannot run away with it.
Source: Hoerl and Kennard, "Ridge Regression", Technometrics 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.segmentation.background import Backdrop, Field, Lab, color_edges
from gpu_workers.imaging.segmentation.evidence import Evidence
from gpu_workers.imaging.segmentation.hypotheses import Saliency, separation
from gpu_workers.imaging.segmentation.learned import agreement
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    frame,
    grow,
    keep_main_parts,
    opened,
    reachable_from_frame,
    shrink,
)

_FRAME_SHARE = 0.08
_FAINT = 0.5
"""Edge strength in Lab units to a pixel below which even flat paper has edges."""
_FARTHEST = 8.0
"""Spreads of the backdrop from which a pixel is as far from it as can be."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one measure adds, from nothing at ``low`` to all of ``gain`` at ``high``."""

    name: str
    low: float
    high: float
    gain: float

    def times(self, value: float) -> float:
        """Return what a value of the measure adds."""
        return self.gain * float(np.interp(value, [self.low, self.high], [0, 1]))


WEIGHTS: Final = (
    Weight("has the salient", 0.107, 1, 0.253),
    Weight("centered", 0.731, 0.999, 0.226),
    Weight("solid", 0.201, 0.99, 0.191),
    Weight("other colors", 0.0491, 0.897, 0.187),
    Weight("is salient", 0.194, 1.1, 0.162),
    Weight("touches frame", 0, 0.137, -0.121),
    Weight("is shadow", 0, 0.645, 0.100),
    Weight("edges inside", 0.021, 0.868, -0.097),
    Weight("on any edges", 0.163, 1, 0.093),
    Weight("size", -3.94, -0.469, 0.084),
    Weight("agrees with all", 0.172, 0.947, 0.076),
    Weight("far inside", 1.85, 8, 0.074),
    Weight("agrees with three", 0.173, 0.971, 0.072),
    Weight("is evidence", 0, 1, -0.059),
    Weight("compact", 0.434, 1, 0.058),
    Weight("adds to evidence", 0, 0.937, 0.050),
    Weight("edges left out", 0, 0.766, -0.035),
    Weight("fills gaps", 0, 0.0774, -0.027),
    Weight("is backdrop", 0, 0.423, -0.027),
    Weight("has the evidence", 0, 1, -0.024),
    Weight("on clear edges", 0.18, 1, 0.024),
    Weight("edge support", 0.91, 4.53, 0.023),
)
"""What each measure adds, strongest first; fitted to the guesses for 220 pictures: 170 composed of
photographed products on drawn and photographed backdrops, and the 50 with a known mask among the
shared photos and the demo products. Measures of evidence are small: outlines tell as much."""

_NETWORK: Final = (
    Weight("network objects", 0, 0.1, -0.1),
    Weight("network objects", 0.1, 1, -0.2),
)
"""What a trained network's objection takes away: most for the first tenth, since where it objects
to more, it is often itself that is wrong. Not fitted with the others: a fit on drawn pictures,
which the network knows best, lets it overrule finer guesses on photos."""
_ON_PLAIN: Final = 0.5
"""How much less its objection counts before a plain backdrop, where colors tell most by themselves:
it may leave out a sleeve in another color."""

_OFFSET: Final = -0.234


@dataclass(frozen=True, slots=True)
class Scene:
    """What all masks of one photo are measured against."""

    lab: Lab
    edges: Field
    near: Field
    """Strongest edge within a pixel."""
    calm: float
    """Median edge strength near the frame: grain and texture of the backdrop."""
    strong: Mask
    """Edges well above ``calm``."""
    farness: Field
    """Distance from the backdrop model in its spreads, at most `_FARTHEST`."""
    salient: Field
    evidence: Evidence | None
    likely: Field
    """What a trained network holds for likely, 0 to 1."""
    core: Mask
    """Main parts of the evidence; empty where nothing is plain."""
    gaps: Mask
    """What the core goes around without covering it: holes, dials, labels."""


def read_scene(
    lab: Lab, backdrop: Backdrop, saliency: Saliency, evidence: Evidence | None
) -> Scene:
    """Gather what masks are measured against; ``evidence`` is None where nothing is plain."""
    edges = color_edges(lab)
    calm = float(np.median(edges[frame(edges.shape, _FRAME_SHARE)]))
    distance = np.linalg.norm(lab - backdrop.lab, axis=2) / max(backdrop.spread, 1.0)
    core = np.zeros(edges.shape, bool) if evidence is None else keep_main_parts(evidence.product)
    return Scene(
        lab=lab,
        edges=edges,
        near=np.asarray(cv2.dilate(edges, np.ones((3, 3), np.uint8)), np.float32),
        calm=calm,
        strong=edges > max(0.8, 5 * calm),
        farness=np.minimum(distance, _FARTHEST).astype(np.float32),
        salient=_salient(saliency, evidence),
        evidence=evidence,
        likely=saliency.likely,
        core=core,
        gaps=opened(~reachable_from_frame(core) & ~core, 2),
    )


def measure(mask: Mask, scene: Scene) -> dict[str, float]:
    """Return the measures of one mask by name, each about 0 to 1; see `WEIGHTS`."""
    area = max(1.0, float(mask.sum()))
    contour = mask & ~shrink(mask, 1)
    body = opened(mask, 2)
    body = body if body.any() else mask
    outline = body & ~shrink(body, 1)
    rest = ~grow(mask, 3)
    inside = contour & ~frame(contour.shape, 0.0, at_least_px=3)
    strength = scene.near[inside] if inside.any() else np.zeros(1, np.float32)
    support = np.log((strength + 0.05) / (scene.calm + 0.05))
    whole = float((scene.salient * mask).sum()) / (float(scene.salient.sum()) + 1e-6)
    purity = float(scene.salient[mask].mean()) / (float(np.percentile(scene.salient, 98)) + 1e-3)
    fits = agreement(mask, scene.likely)
    touch = float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean())
    measures = {
        "on clear edges": float((strength > max(1.6, 2.2 * float(np.median(scene.edges)))).mean()),
        "on any edges": float((strength > max(_FAINT, 4 * scene.calm)).mean()),
        "edge support": float(support.mean()),
        "other colors": separation(mask, scene.lab),
        "solid": min(1.0, _solidity(body)),
        "centered": _centeredness(mask),
        "compact": min(1.0, 24 * np.pi * float(body.sum()) / max(1.0, float(outline.sum()) ** 2)),
        "touches frame": touch,
        "size": float(np.log(area / mask.size)),
        "has the salient": whole,
        "is salient": purity,
        "edges left out": float((scene.strong & rest).sum()) / max(1.0, float(scene.strong.sum())),
        "edges inside": float(scene.strong[mask].mean()) - _mean(scene.strong, rest),
        "far inside": _mean(scene.farness, mask),
        **fits,
        "network objects": fits["differs from likely"],
    }
    if scene.evidence is not None:
        product = scene.evidence.product
        total = max(1.0, float(product.sum()))
        reach = grow(scene.core, 2)
        measures |= {
            "has the evidence": float((mask & product).sum()) / total,
            "is evidence": float((mask & (product | scene.evidence.enclosed)).sum()) / area,
            "is shadow": float((mask & scene.evidence.shadow).sum()) / area,
            "is backdrop": float((mask & scene.evidence.hole).sum()) / area,
            "fills gaps": float((mask & scene.gaps).sum()) / area,
            "adds to evidence": float((mask & ~reach & ~scene.gaps).sum()) / area,
            "network objects": _ON_PLAIN * fits["differs from likely"],
        }
    return measures


def consensus(overlaps: npt.NDArray[np.float64]) -> dict[str, float]:
    """Return how far a mask agrees with all others, and with its three nearest.

    Parameters
    ----------
    overlaps
        (n,) its intersection over union with every guess, itself among them.
    """
    others = np.sort(overlaps)[::-1][1:]
    return {
        "agrees with all": float(others.mean()) if len(others) else 0.0,
        "agrees with three": float(others[2]) if len(others) > 2 else 0.0,
    }


def expected_overlap(measures: Mapping[str, float]) -> float:
    """Return the intersection over union to expect of a mask with these measures, 0 to 1.

    Measures that do not apply, as of evidence where no backdrop is plain, count as 0.
    """
    weights = (*WEIGHTS, *_NETWORK)
    total = _OFFSET + sum(weight.times(measures.get(weight.name, 0.0)) for weight in weights)
    return min(1.0, max(0.0, total))


def wholeness(measures: Mapping[str, float]) -> float:
    """Return how much a mask looks like one whole product, 0 to 1; weighed by eye on photos."""
    area = float(np.exp(measures["size"]))
    shape = (
        0.38 * measures["on clear edges"]
        + 0.27 * measures["other colors"]
        + 0.15 * min(1.0, 1.15 * measures["solid"])
        + 0.10 * measures["centered"]
        + 0.10 * measures["compact"]
    )
    return float(
        shape
        * (1 - min(1.0, 1.6 * measures["touches frame"]))
        * min(1.0, area / 0.02)
        * (0.35 + 0.65 * min(1.0, measures["has the salient"] / 0.92))
        * (0.7 + 0.3 * min(1.0, 1.6 * measures["is salient"]))
    )


def _mean(field: npt.NDArray[np.generic], where: Mask) -> float:
    return float(field[where].mean()) if where.any() else 0.0


def _salient(saliency: Saliency, evidence: Evidence | None) -> Field:
    mix = 0.5 * (saliency.barrier + saliency.color) * np.sqrt(saliency.center)
    field = np.where(mix > np.median(mix) + 0.12, mix, 0)
    if evidence is not None:
        field = np.where(evidence.shadow, 0, field)
    return field.astype(np.float32)


def _solidity(mask: Mask) -> float:
    outlines, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    hull = cv2.convexHull(np.concatenate(outlines))
    return float(mask.sum()) / max(1.0, cv2.contourArea(hull))


def _centeredness(mask: Mask) -> float:
    y, x = np.nonzero(mask)
    height, width = mask.shape
    across, down = (x.mean() / width - 0.5) / 0.3, (y.mean() / height - 0.52) / 0.3
    return float(np.exp(-(across**2 + down**2) / 2))
