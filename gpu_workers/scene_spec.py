"""Scene templates as typed values: what the seller chooses, what a pipeline draws.

Owns the fields of a scene, their ranges and their reading from JSON; the built-in scenes are the
``*.json`` files beside this module in ``scenes/``. Does not draw anything.

Units: angles in degrees; ``azimuth_deg`` 0 is light from the camera, negative from the left,
positive from the right; ``elevation_deg`` 90 is light from straight above. Colors are sRGB hex
``#rrggbb``. Shares are 0 to 1 of the canvas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from gpu_workers.errors import OrderInvalid
from gpu_workers.kind_options.table import KINDS, read_options
from gpu_workers.typed_fields import color, read_fields, within

BackdropMode: TypeAlias = Literal["solid", "sweep", "surface", "none"]
"""``none`` keeps transparency, ``solid`` is one exact color, ``sweep`` a seamless paper curve,
``surface`` a table with a wall behind it."""

Material: TypeAlias = Literal[
    "paper", "wood", "marble", "stone", "linen", "concrete", "gloss", "water"
]

LightPattern: TypeAlias = Literal["softbox", "window", "foliage"]
"""``softbox`` falls off evenly, ``window`` throws soft panes of light on wall and surface,
``foliage`` the shadows of leaves."""

CameraPitch: TypeAlias = Literal["front", "slightly_above", "top"]

_HEX = re.compile(r"#[0-9a-f]{6}\Z")
_SCENES = Path(__file__).parent / "scenes"
_NESTED = frozenset({"light", "framing", "stage", "props", "options"})
_KIND_OF_MODE: dict[str, str] = {
    "none": "cutout",
    "solid": "packshot",
    "sweep": "packshot",
    "surface": "scene",
}


@dataclass(frozen=True, slots=True)
class Light:
    """The key light and the shadows that follow from it."""

    azimuth_deg: float = -35.0
    elevation_deg: float = 50.0
    softness: float = 0.6
    """0 is a bare bulb with hard shadows, 1 a very large softbox."""
    contact_shadow: float = 0.7
    cast_shadow: float = 0.35
    reflection: float = 0.0
    """Share of light the surface mirrors straight below the product, 0 to 1."""
    falloff: float = 0.5
    """0 lights the whole scene evenly, 1 lets it sink into dark away from the light."""
    pattern: LightPattern = "softbox"


@dataclass(frozen=True, slots=True)
class Framing:
    """Where the product stands on the canvas."""

    fill: float = 0.85
    """Longest side of the product's box over the canvas side it is bound by, 0.2 to 0.98."""
    anchor: Literal["center", "ground"] = "center"
    """``center`` centers the box; ``ground`` stands it on ``ground_line``."""
    ground_line: float = 0.84
    """Height of the base of the product from the top of the canvas, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the product is raised on; where the camera looks straight down there is none."""

    kind: Literal["none", "round", "block"] = "none"
    color: str = color("#e8e2da")
    height: float = within(0.02, 0.4, default=0.15)
    """Of the visible side, as a share of the canvas height."""
    width: float = within(1.05, 3.0, default=1.35)
    """Over the width of the product."""


@dataclass(frozen=True, slots=True)
class Props:
    """Things around the product, drawn anew for every seed. They never touch or hide it."""

    kind: Literal["none", "leaves", "petals", "baubles", "pebbles", "lights", "snow"] = "none"
    colors: tuple[str, ...] = color(("#c0702a", "#a8471f", "#d9a441"))
    amount: float = within(0.0, 1.0, default=0.5)


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """One scene template, whole and self-contained. Version changes when the look changes."""

    slug: str
    title: str
    description: str
    mode: BackdropMode
    kind: str = ""
    """Which pipeline draws it, a name of `kind_options.table.KINDS`; if empty, `mode` tells."""
    options: Any = None
    """What the kind has to say beyond backdrop, light and framing: its class in `kind_options`."""
    version: int = 1
    color: str = "#ffffff"
    material: Material = "paper"
    material_color: str = "#d9c3a3"
    horizon: float = 0.62
    """Height of the line between surface and wall from the top of the canvas, 0 to 1."""
    light: Light = field(default_factory=Light)
    framing: Framing = field(default_factory=Framing)
    stage: Stage = field(default_factory=Stage)
    props: Props = field(default_factory=Props)
    accepts_pitch: tuple[CameraPitch, ...] = ("front", "slightly_above", "top")
    grain: float = 0.004
    """Standard deviation of the added sensor noise in sRGB units of 0 to 1; 0 adds none."""

    def __post_init__(self) -> None:
        kind = self.kind or _KIND_OF_MODE.get(self.mode, "")
        object.__setattr__(self, "kind", kind)
        if self.options is None and kind in KINDS:
            object.__setattr__(self, "options", read_options(kind, None))

    @property
    def is_exact_white(self) -> bool:
        """Whether every background pixel of a render is exactly 255, 255, 255."""
        return (
            self.mode == "solid"
            and self.color == "#ffffff"
            and self.light.contact_shadow == 0
            and self.light.cast_shadow == 0
            and self.light.reflection == 0
            and self.grain == 0
        )

    def to_json(self) -> dict[str, Any]:
        """Return the scene as JSON-ready values; `scene_from_json` reads it back."""
        values = asdict(self)
        values["accepts_pitch"] = list(self.accepts_pitch)
        return values


def scene_from_json(values: Mapping[str, Any]) -> SceneSpec:
    """Read a scene from JSON values.

    Raises
    ------
    OrderInvalid
        If a field is unknown, missing, of the wrong type or out of range; the message names it.
    """
    known = {f.name for f in fields(SceneSpec)}
    _refuse_unknown("scene", values, known)
    missing = {"slug", "title", "description", "mode"} - values.keys()
    if missing:
        raise OrderInvalid(f"scene: {', '.join(sorted(missing))} missing")
    light = values.get("light", {})
    framing = values.get("framing", {})
    _refuse_unknown("scene.light", light, {f.name for f in fields(Light)})
    _refuse_unknown("scene.framing", framing, {f.name for f in fields(Framing)})
    try:
        spec = SceneSpec(
            **{
                **{k: v for k, v in values.items() if k not in _NESTED},
                "accepts_pitch": tuple(
                    values.get("accepts_pitch", ("front", "slightly_above", "top"))
                ),
                "light": Light(**light),
                "framing": Framing(**framing),
                "stage": read_fields(Stage, "scene.stage", values.get("stage", {})),
                "props": read_fields(Props, "scene.props", values.get("props", {})),
            }
        )
    except TypeError as error:
        raise OrderInvalid(f"scene: {error}") from error
    _check(spec)
    return replace(spec, options=read_options(spec.kind, values.get("options")))


@lru_cache(maxsize=1)
def builtin_scenes() -> dict[str, SceneSpec]:
    """Return the scenes shipped with Packshot by slug, in the order of their file names.

    Read once: an order page asks several times, and a scene changes with a restart.
    """
    scenes = {}
    for path in sorted(_SCENES.glob("*.json")):
        try:
            scene = scene_from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, OrderInvalid) as error:
            raise OrderInvalid(f"{path.name}: {error}") from error
        scenes[scene.slug] = scene
    return scenes


def _refuse_unknown(where: str, values: Mapping[str, Any], known: set[str]) -> None:
    if not isinstance(values, Mapping):
        raise OrderInvalid(f"{where}: an object was expected")
    unknown = values.keys() - known
    if unknown:
        raise OrderInvalid(f"{where}: unknown field {', '.join(sorted(unknown))}")


def _check(spec: SceneSpec) -> None:
    if spec.mode not in get_args(BackdropMode):
        raise OrderInvalid(f"scene.mode: {spec.mode!r} is none of {get_args(BackdropMode)}")
    if spec.material not in get_args(Material):
        raise OrderInvalid(f"scene.material: {spec.material!r} is none of {get_args(Material)}")
    if spec.light.pattern not in get_args(LightPattern):
        raise OrderInvalid(f"scene.light.pattern: one of {get_args(LightPattern)} expected")
    if not spec.accepts_pitch or set(spec.accepts_pitch) - set(get_args(CameraPitch)):
        raise OrderInvalid(f"scene.accepts_pitch: values of {get_args(CameraPitch)} expected")
    for name in ("color", "material_color"):
        if not _HEX.match(str(getattr(spec, name))):
            raise OrderInvalid(f"scene.{name}: lower-case #rrggbb expected")
    if spec.props.kind != "none" and not spec.props.colors:
        raise OrderInvalid("scene.props.colors: at least one #rrggbb expected")
    _check_ranges(spec)
    if spec.framing.anchor not in ("center", "ground"):
        raise OrderInvalid("scene.framing.anchor: center or ground expected")


def _check_ranges(spec: SceneSpec) -> None:
    ranges: tuple[tuple[str, object, float, float], ...] = (
        ("horizon", spec.horizon, 0.0, 1.0),
        ("grain", spec.grain, 0.0, 0.05),
        ("light.azimuth_deg", spec.light.azimuth_deg, -180.0, 180.0),
        ("light.elevation_deg", spec.light.elevation_deg, 5.0, 90.0),
        ("light.softness", spec.light.softness, 0.0, 1.0),
        ("light.contact_shadow", spec.light.contact_shadow, 0.0, 1.0),
        ("light.cast_shadow", spec.light.cast_shadow, 0.0, 1.0),
        ("light.reflection", spec.light.reflection, 0.0, 1.0),
        ("light.falloff", spec.light.falloff, 0.0, 1.0),
        ("framing.fill", spec.framing.fill, 0.2, 0.98),
        ("framing.ground_line", spec.framing.ground_line, 0.3, 0.98),
    )
    for name, value, low, high in ranges:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise OrderInvalid(f"scene.{name}: a number was expected")
        if not low <= value <= high:
            raise OrderInvalid(f"scene.{name}: {value} is not within {low} to {high}")
