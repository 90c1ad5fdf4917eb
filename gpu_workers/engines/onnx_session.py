"""A network from an ONNX file as a session of rembg: one device, bounded threads and memory.

Owns the loading. Which file may be loaded is `model_registry`'s; what a network's answer is worth,
`rembg_segmenter`'s and `garment_parser`'s. rembg is imported when the first network is wanted: it
brings numba along and, where onnxruntime is missing, ends the process.

Read in rembg 2.0.86 and onnxruntime 1.32: a session takes any file of the right name without a
checksum, downloads one that is missing, chooses a device by itself and goes on with the CPU where
a GPU was asked for. None of it happens here: the class of the session is kept and given the file
that was verified, and the device that was asked for.
"""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL.Image import Image as PillowImage

from gpu_workers.config import ModelSettings
from gpu_workers.engines.model_table import Recipe, RegisteredModel
from gpu_workers.errors import DeviceError, EngineError, ModelMissing
from gpu_workers.imaging.arrays import Photo

_PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_ERRORS_ONLY: Final = 3
_BRIGHTEST: Final = 99.9
"""Percentile of a photo that becomes white before rembg sees it."""

Triple = tuple[float, float, float]
"""Numbers for red, green and blue."""

Probability = npt.NDArray[np.float32]
"""(h, w) float32, 0 to 1."""

Planes = npt.NDArray[np.float32]
"""(classes, h, w) float32: what a network answers for one picture."""


class NetworkSession(Protocol):
    """What is used of a session of rembg."""

    inner_session: Any
    """The session of onnxruntime."""

    def predict(self, img: PillowImage) -> list[PillowImage]:
        """Return masks (mode L, the picture's size), stretched to 0 to 255."""
        ...


def open_session(
    model: RegisteredModel, path: Path | None, settings: ModelSettings
) -> NetworkSession:
    """Load a network.

    Parameters
    ----------
    path
        The verified file; None for a service.

    Raises
    ------
    DeviceError
        If the engine packages are missing, or the device that was asked for cannot be used.
    ModelMissing
        If the file is no network that onnxruntime can load, or the key of a service is not set.
    """
    runtime, sessions = _libraries()
    provider = _PROVIDERS[settings.device]
    if provider not in runtime.get_available_providers():
        raise DeviceError(
            f"PACKSHOT_ENGINE_DEVICE={settings.device}, and this onnxruntime has no {provider}: "
            "install onnxruntime-gpu in its place, or set PACKSHOT_ENGINE_DEVICE=cpu"
        )
    kind = _session_class(sessions, model, path)
    try:
        with warnings.catch_warnings():
            # rembg warns of the fallback that is refused below.
            warnings.simplefilter("ignore", RuntimeWarning)
            session: NetworkSession = kind(
                model.name, _options(runtime, settings.threads), providers=[provider]
            )
    except Exception as error:
        raise ModelMissing(f"{model.name} cannot be loaded: {_first_line(error)}") from error
    if path is not None and session.inner_session.get_providers()[0] != provider:
        raise DeviceError(
            f"PACKSHOT_ENGINE_DEVICE={settings.device}, and {model.name} was loaded onto "
            f"{session.inner_session.get_providers()[0]}: its libraries are missing or of another "
            "version than onnxruntime wants"
        )
    return session


def input_side_px(session: NetworkSession, recipe: Recipe | None) -> int:
    """Return the side of the square that a network looks at; 1024 if its file leaves it open."""
    if recipe is not None:
        return recipe.input_px
    inner = getattr(session, "inner_session", None)
    side = inner.get_inputs()[0].shape[-1] if inner is not None else None
    return side if isinstance(side, int) else 1024


def foreground(session: NetworkSession, photo: Photo, recipe: Recipe | None) -> Probability:
    """Return where a network sees the product.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    recipe
        Of a network that the operator brought. Its answer is cut at 0 and 1 and not stretched, so
        that a network that is sure of nothing says so; those of rembg are stretched by rembg.

    Returns
    -------
    (h, w) float32, 0 to 1.

    Raises
    ------
    EngineError
        If the network or the service fails.
    """
    if recipe is None:
        try:
            mask = session.predict(Pillow.fromarray(exposed(photo)))[0]
        except Exception as error:
            raise EngineError(f"the network failed: {_first_line(error)}") from error
        return np.asarray(mask.convert("L"), np.float32) / np.float32(255)
    plane = run_planes(session, photo, recipe.input_px, recipe.mean, recipe.std)[0]
    if recipe.output == "logit":
        plane = 1 / (1 + np.exp(-np.clip(plane, -30, 30)))
    height, width = photo.shape[:2]
    soft = cv2.resize(np.clip(plane, 0, 1), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft, np.float32)


def exposed(photo: Photo) -> Photo:
    """Return the photo scaled so that all but its brightest thousandth keeps below white.

    rembg divides by the brightest value of the picture: one glint in a dark photo would decide how
    dark the network sees it, and what it finds.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    """
    white = float(np.percentile(photo, _BRIGHTEST))
    if white <= 0 or white >= 255:
        return photo
    return np.asarray(np.clip(photo * np.float32(255 / white) + 0.5, 0, 255), np.uint8)


def run_planes(
    session: NetworkSession, photo: Photo, side_px: int, mean: Triple, std: Triple
) -> Planes:
    """Return a network's first output for one photo, squeezed into its square.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    mean, std
        Subtracted from and divided into red, green and blue of 0 to 1.

    Raises
    ------
    EngineError
        If it fails, or answers with anything but finite planes.
    """
    square = cv2.resize(photo, (side_px, side_px), interpolation=cv2.INTER_AREA)
    unit = square.astype(np.float32) / np.float32(255)
    color = (unit - np.array(mean, np.float32)) / np.array(std, np.float32)
    name = session.inner_session.get_inputs()[0].name
    feed = {name: np.ascontiguousarray(color.transpose(2, 0, 1)[np.newaxis])}
    try:
        answer = np.asarray(session.inner_session.run(None, feed)[0], np.float32)
    except Exception as error:
        raise EngineError(f"the network failed: {_first_line(error)}") from error
    if answer.ndim != 4 or answer.shape[0] != 1 or not np.isfinite(answer).all():
        raise EngineError(
            f"the network answered with {answer.shape}, not with one picture's planes"
        )
    planes: Planes = answer[0]
    return planes


def _libraries() -> tuple[ModuleType, ModuleType]:
    try:
        # First, and by itself: rembg calls sys.exit where this fails.
        runtime = importlib.import_module("onnxruntime")
        return runtime, importlib.import_module("rembg.sessions")
    except (ImportError, SystemExit) as error:
        raise DeviceError(
            f"the engine packages are not installed here ({error}): run deploy/setup.sh engine"
        ) from error


def _options(runtime: ModuleType, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    # The arena keeps what the largest picture took, and the pattern plans for it: both are faster
    # by a few percent and hold gigabytes for the large networks.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.use_deterministic_compute = True
    options.log_severity_level = _ERRORS_ONLY
    # Idle threads sleep: other workers share the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _session_class(sessions: ModuleType, model: RegisteredModel, path: Path | None) -> Any:
    """Return rembg's class for a model, with the way to its file replaced by the file."""
    if model.is_own:
        base = importlib.import_module("rembg.sessions.base").BaseSession
    else:
        base = sessions.sessions[model.name]
    if path is None:
        return base
    given = classmethod(lambda *_args, **_kwargs: str(path))
    return type(base.__name__, (base,), {"download_models": given})


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
