"""Which function renders for which engine.

Owns the table from engine name to render function and the loading of that function with what it
needs. Does not render. Importing this module imports no engine; `load_renderer` does, and runs
only in the engine child.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast, runtime_checkable

from gpu_workers.errors import DeviceError
from gpu_workers.protocol import ProgressReport, RenderOrder, RenderResult

RENDERERS: Final[dict[str, str]] = {
    "classical": "gpu_workers.pipelines.runner.render",
    "diffusion": "gpu_workers.pipelines.painting.render",
}


class Renderer(Protocol):
    """Makes one render: reads the source photo, writes its files, returns what it knows."""

    def __call__(
        self,
        order: RenderOrder,
        *,
        read: Callable[[str], bytes],
        write: Callable[[str, bytes], None],
        report: ProgressReport,
    ) -> RenderResult:
        """Render one order."""
        ...


@runtime_checkable
class ExpectingRenderer(Protocol):
    """A renderer that gains from knowing which orders come next."""

    def expect(
        self,
        orders: Sequence[RenderOrder],
        *,
        read: Callable[[str], bytes],
        write: Callable[[str, bytes], None],
    ) -> None:
        """Note the orders of a batch before the first of them is rendered."""
        ...


def load_renderer(*, engine: str, dotted_name: str, threads: int) -> Renderer:
    """Import the render function and everything slow it stands on; then let its module prepare.

    A module that has to do more than to be imported before it renders, such as loading weights,
    does it in a function ``prepare``: the fork server imports, only the child prepares.

    Parameters
    ----------
    engine
        Name of the engine, used when ``dotted_name`` is empty.
    dotted_name
        Function to use instead of the engine's own.
    threads
        Limit set on OpenCV; the other libraries read theirs from the environment.

    Raises
    ------
    DeviceError
        If this installation has no such function or cannot import it.
    """
    name = dotted_name or RENDERERS.get(engine, "")
    if not name:
        raise DeviceError(f"no renderer for engine {engine!r}; known: {', '.join(RENDERERS)}")
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name)
        renderer = getattr(module, function_name)
    except (ImportError, AttributeError) as error:
        raise DeviceError(f"renderer {name} cannot be loaded: {error}") from error
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(threads)
    prepare: Callable[[], None] | None = getattr(module, "prepare", None)
    if prepare is not None:
        prepare()
    return cast("Renderer", renderer)
