"""Every kind of picture with its options and what it needs beside the photo.

Owns the words: a kind is named here, drawn by the pipeline of the same name
(`gpu_workers.pipelines.table`) and offered by the scene templates that name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from gpu_workers.errors import OrderInvalid
from gpu_workers.kind_options.collateral import TEXTS, CollateralOptions
from gpu_workers.kind_options.display import DisplayOptions
from gpu_workers.kind_options.expand import ExpandOptions
from gpu_workers.kind_options.flat_lay import FlatLayOptions
from gpu_workers.kind_options.ghost_mannequin import GhostMannequinOptions
from gpu_workers.kind_options.lifestyle import LifestyleOptions
from gpu_workers.kind_options.mockup import MockupOptions
from gpu_workers.kind_options.relight import RelightOptions
from gpu_workers.kind_options.shadow import ShadowOptions
from gpu_workers.kind_options.variant import VariantOptions
from gpu_workers.typed_fields import read_fields


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of picture."""

    name: str
    title: str
    usual_scene: str
    """Slug of the scene template that is taken where none is named."""
    options: type[Any] | None = None
    roles: tuple[str, ...] = ()
    """Other pictures it can use, by role: ``back``, ``design``, ``base``, ``logo``."""
    needed_roles: tuple[str, ...] = ()
    """Those without which nothing can be made."""
    texts: tuple[str, ...] = ()
    """Words it can set, by name."""
    needs_text: bool = False
    """Whether it is nothing without one of them."""
    engine: str = "classical"
    """The engine whose lane it belongs to, where a worker serves it."""


_OWN_BASE: Final = ("base", "occluder")

_ALL: Final = (
    Kind("cutout", "Cutout", usual_scene="packshot-white"),
    Kind("packshot", "Packshot", usual_scene="packshot-white"),
    Kind("scene", "Scene", usual_scene="oak-window"),
    Kind(
        "lifestyle",
        "Lifestyle",
        usual_scene="bright-kitchen",
        options=LifestyleOptions,
        engine="diffusion",
    ),
    Kind("flat_lay", "Flat lay", usual_scene="flat-lay-linen", options=FlatLayOptions),
    Kind(
        "variant",
        "Color variant",
        usual_scene="variant-blue",
        options=VariantOptions,
        roles=("region",),
        texts=("target",),
    ),
    Kind(
        "ghost_mannequin",
        "Ghost mannequin",
        usual_scene="ghost-white",
        options=GhostMannequinOptions,
        roles=("back",),
    ),
    Kind(
        "display",
        "Garment display",
        usual_scene="display-white",
        options=DisplayOptions,
        roles=("back",),
    ),
    Kind("relight", "Relight", usual_scene="relight-window", options=RelightOptions),
    Kind("shadow", "Shadow only", usual_scene="shadow-soft", options=ShadowOptions),
    Kind(
        "collateral",
        "Banner or post with words",
        usual_scene="banner-sand",
        options=CollateralOptions,
        roles=("logo",),
        texts=TEXTS,
        needs_text=True,
    ),
    Kind(
        "mockup",
        "Mockup",
        usual_scene="mug-white",
        options=MockupOptions,
        roles=("base", "occluder"),
    ),
    Kind("expand", "Expand", usual_scene="expand", options=ExpandOptions),
    Kind("upscale", "Upscale", usual_scene="upscale"),
)

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _ALL}


class HasKind(Protocol):
    """What names a kind and its options: a scene template."""

    @property
    def kind(self) -> str:
        """A name of `KINDS`."""
        ...

    @property
    def options(self) -> Any:
        """The options of that kind."""
        ...


def roles_of(scene: HasKind) -> tuple[str, ...]:
    """Return the other pictures that a scene template can use.

    A photo of one's own to print on belongs to the template that says where: by its corners.
    """
    roles = KINDS[scene.kind].roles
    if scene.kind == "mockup" and not scene.options.corners:
        return tuple(role for role in roles if role not in _OWN_BASE)
    return roles


def needed_roles_of(scene: HasKind) -> tuple[str, ...]:
    """Return those without which nothing can be made of it."""
    needed = KINDS[scene.kind].needed_roles
    if scene.kind == "mockup" and scene.options.corners:
        return (*needed, "base")
    return needed


def read_options(kind: str, values: object) -> Any:
    """Return the typed options of a kind, with its defaults where ``values`` is None.

    Raises
    ------
    OrderInvalid
        If there is no such kind, it takes no options, or one of them cannot be used.
    """
    known = KINDS.get(kind)
    if known is None:
        raise OrderInvalid(f"scene.kind: {kind!r} is none of {', '.join(KINDS)}")
    if known.options is None:
        if values is not None:
            raise OrderInvalid(f"scene.options: a {kind} takes none")
        return None
    return read_fields(known.options, "scene.options", {} if values is None else values)
