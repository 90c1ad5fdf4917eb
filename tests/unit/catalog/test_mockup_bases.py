"""The blank objects for mockups: the list, the renderer, and the files it made."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import apps
from apps.catalog.mockup_bases.__main__ import write_layers
from apps.catalog.mockup_bases.render import BRIGHTEST, Layers, render_base
from apps.catalog.mockup_bases.sets import BASES, Base

FOLDER = Path(apps.__file__).parents[1] / "gpu_workers" / "mockup_bases"
SIDE = 96
SLOW = {"bottle", "tee", "tote"}
"""Glass and cloth: their shapes alone take seconds to prepare."""
by_name = pytest.mark.parametrize(
    "base",
    [
        pytest.param(base, id=base.name, marks=[pytest.mark.slow] if base.name in SLOW else [])
        for base in BASES
    ],
)


def test_files_are_exactly_those_of_the_bases():
    wanted = {f"{base.name}{end}" for base in BASES for end in (".json", "-light.webp")}
    wanted |= {f"{base.name}{end}" for base in BASES for end in ("-gloss.webp", "-alpha.webp")}
    wanted |= {f"{base.name}-shift.png" for base in BASES if base.area.cloth}

    assert {path.name for path in FOLDER.iterdir()} == wanted


@by_name
def test_the_files_show_the_object_that_the_code_describes(base: Base):
    layers = render_base(base, side_px=SIDE, samples=2, seed=1, processes=1)

    with Image.open(FOLDER / f"{base.name}-alpha.webp") as picture:
        stored = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)) / 255
    facts = json.loads((FOLDER / f"{base.name}.json").read_text())
    both = np.minimum(layers.alpha, stored).sum() / np.maximum(layers.alpha, stored).sum()
    assert both > 0.93
    assert facts | {"side_px": SIDE} == json.loads(json.dumps(layers.facts))
    assert layers.light.max() <= 1
    assert 0.5 * BRIGHTEST < np.percentile(layers.light[layers.alpha > 0.99], 98) <= 1


def test_what_is_written_can_be_read(tmp_path: Path):
    generator = np.random.default_rng(1)
    color = generator.uniform(0, 1, (16, 16, 3)).astype(np.float32)
    shift = generator.normal(0, 0.3, (2, 2, 2)).astype(np.float32)
    layers = Layers(color, color, color[..., 0], shift, {"size_cm": [34.0, 42.0]})

    write_layers(layers, tmp_path / "tee")

    with Image.open(tmp_path / "tee-shift.png") as picture:
        levels = np.asarray(picture).astype(float)
    across, down = np.split((levels - 32768) / 1000, 2)
    assert np.dstack([across, down]) == pytest.approx(shift, abs=6e-4)
    with Image.open(tmp_path / "tee-alpha.webp") as picture:
        opacity = np.asarray(picture.convert("L"))
    assert opacity == pytest.approx(np.round(color[..., 0] * 255), abs=1)
    assert json.loads((tmp_path / "tee.json").read_text())["size_cm"] == [34.0, 42.0]
