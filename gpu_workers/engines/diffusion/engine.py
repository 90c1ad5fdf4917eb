"""A diffusers pipeline as a backdrop generator: what all architectures share.

Owns loading, batching, noise, progress, cancelling, and what happens when memory runs out. What a
pipeline is called with is its architecture's, one module each. Where weights lie is `placement`'s.

One picture at a time is asked of an engine: pipelines keep the state of their noise scheduler in
themselves, so that two calls at once would spoil each other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from PIL import Image as Pillow

from gpu_workers.engines.backdrop_generator import (
    BackdropRequest,
    Encoded,
    Step,
    Watch,
    batches,
)
from gpu_workers.engines.checkpoints import LORA_FILE, Architecture, Checkpoint
from gpu_workers.engines.diffusion import devices
from gpu_workers.engines.diffusion.encodings import EncodingCache, remember_encodings
from gpu_workers.engines.diffusion.latent_preview import Cells, LatentLens
from gpu_workers.engines.diffusion.lora import merge_lora
from gpu_workers.engines.diffusion.placement import PlacedWeights
from gpu_workers.errors import DeviceError, EngineError, ModelMissing, OrderInvalid
from gpu_workers.imaging.arrays import Photo

VERSION: Final = "1"
"""Raised when the same request would give another picture with the same weights."""
MOST_AT_ONCE: Final = {"cuda": 8, "cpu": 1}
"""Larger batches gain little on a full GPU, and the first picture comes later. A CPU gains nothing
from any, and one by one each picture is bit for bit its own, whatever it was ordered with."""
_TILE_PX: Final = 512


class DiffusionEngine:
    """Base of the architectures; see `backdrop_generator.BackdropGenerator`."""

    architecture: ClassVar[Architecture]
    pipeline_class: ClassVar[str]
    """Name of the class in diffusers."""
    denoiser: ClassVar[str] = "transformer"
    """Name of the network that runs once a step."""

    def __init__(self, checkpoint: Checkpoint, pipeline: Any, device: torch.device) -> None:
        if checkpoint.architecture != self.architecture:
            raise ValueError(f"{checkpoint.name} is no {self.architecture}")
        self.checkpoint = checkpoint
        self.pipeline = pipeline
        pipeline.set_progress_bar_config(disable=True)
        networks = [each for each in pipeline.components.values() if _is_network(each)]
        for network in networks:
            network.eval()
        if device.type == "cuda":
            self._suit_cuda()
        self.weights = PlacedWeights(networks, is_pinned=device.type == "cuda")
        self.is_tiled = False
        self.encodings = EncodingCache()
        """Words and pictures that need not be encoded again."""
        remember_encodings(pipeline, self.encodings, device)
        self._device = device
        self.most_at_once = MOST_AT_ONCE[device.type]
        """Largest batch; halved when memory runs out."""
        self._lens: LatentLens | None = None
        self._lock = threading.RLock()

    @classmethod
    def load(
        cls, checkpoint: Checkpoint, folder: Path, *, device: torch.device, base: Path | None = None
    ) -> Self:
        """Read an engine from its folder into host memory.

        Parameters
        ----------
        base
            Folder of the networks, where the checkpoint's own holds a LoRA only.

        Raises
        ------
        ModelMissing
            If the files are not those of this architecture.
        """
        import diffusers  # noqa: PLC0415

        silence_libraries()
        source = base or folder
        dtype = devices.number_type(device)
        try:
            pipeline = getattr(diffusers, cls.pipeline_class).from_pretrained(
                source,
                dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                **cls.own_components(source, dtype),
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelMissing(
                f"the weights of {checkpoint.name} in {source} cannot be loaded: "
                f"{type(error).__name__}: {error}. Fetch them again: manage.py models fetch "
                f"{checkpoint.base or checkpoint.name}"
            ) from error
        if checkpoint.base:
            merge_lora(pipeline, folder / LORA_FILE)
            # What these were distilled for: steps counted back from pure noise.
            pipeline.scheduler = diffusers.EulerDiscreteScheduler.from_config(
                pipeline.scheduler.config, timestep_spacing="trailing"
            )
        return cls(checkpoint, pipeline, device)

    @classmethod
    def own_components(cls, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
        """Return parts of the pipeline that diffusers shall not load by itself."""
        return {}

    def arguments(self, requests: Sequence[BackdropRequest]) -> dict[str, Any]:
        """Return what the pipeline is called with, beside size, noise and progress."""
        raise NotImplementedError

    @property
    def version(self) -> str:
        """What a render records; decoding in tiles can show faint seams, and says so."""
        return f"{self.checkpoint.name}/{VERSION}{'-tiled' if self.is_tiled else ''}"

    @property
    def device(self) -> torch.device:
        """Where the networks run."""
        return self._device

    def come(self) -> None:
        """Bring the weights to the device, if they are elsewhere."""
        with self._lock:
            if self.weights.device != self._device:
                self.weights.move_to(self._device)

    def leave(self) -> None:
        """Take the weights off the device; the copy in host memory stays."""
        with self._lock:
            self.weights.move_to(torch.device("cpu"))
            devices.give_back_memory(self._device)

    def compile(self) -> None:
        """Let torch compile the repeated blocks of the denoiser: slow once, then faster."""
        getattr(self.pipeline, self.denoiser).compile_repeated_blocks(dynamic=True)

    def generate(
        self, requests: Sequence[BackdropRequest], *, watch: Watch | None = None
    ) -> list[Encoded]:
        """Paint the requests; see `BackdropGenerator.generate`."""
        for request in requests:
            self._refuse(request)
        pictures: dict[int, Encoded] = {}
        with self._lock:
            # Outside of inference mode: weights that were made inside cannot take another's place.
            self.come()
            todo = deque(batches(requests, self.most_at_once))
            while todo:
                places = todo.popleft()
                with torch.inference_mode():
                    made = self._paint([requests[place] for place in places], places, watch)
                if made is None:
                    todo.extendleft(reversed(self._smaller(places)))
                else:
                    pictures.update(zip(places, made, strict=True))
        return [pictures[place] for place in range(len(requests))]

    def _refuse(self, request: BackdropRequest) -> None:
        if request.size not in self.checkpoint.sizes:
            raise OrderInvalid(
                f"{self.checkpoint.name} paints no {request.size[0]} x {request.size[1]} px"
            )
        if int(request.sampling.steps * request.sampling.strength) < 1:
            raise OrderInvalid(
                f"{request.sampling.steps} steps at a strength of {request.sampling.strength} "
                "leave nothing to paint; raise one of them"
            )

    def _paint(
        self, requests: Sequence[BackdropRequest], places: tuple[int, ...], watch: Watch | None
    ) -> list[Encoded] | None:
        """Return the pictures of one batch, or None where memory ran out."""
        last: dict[str, torch.Tensor] = {}
        size = requests[0].size

        def on_step(pipeline: Any, index: int, _time: Any, tensors: dict[str, Any]) -> Any:
            last["latents"] = tensors["latents"]
            if watch is not None:
                look = partial(self._preview, tensors["latents"], size)
                watch(Step(index + 1, pipeline.num_timesteps, places, look))
            return tensors

        width, height = size
        try:
            made = self.pipeline(
                **self.arguments(requests),
                **self.size_arguments(width, height),
                # On the CPU, one for each picture: noise must not depend on device or batch.
                generator=[torch.Generator("cpu").manual_seed(each.seed) for each in requests],
                output_type="np",
                callback_on_step_end=on_step,
                callback_on_step_end_tensor_inputs=["latents"],
            ).images
        except RuntimeError as error:
            if _is_out_of_memory(error):
                return None
            if "CUDA error" in str(error):
                # Nothing that this process asks of the device will work any more.
                raise DeviceError(f"{devices.describe(self._device)}: {error}") from error
            raise
        pictures = [np.asarray(picture, np.float32) for picture in made]
        if pictures[0].shape[:2] != (height, width):
            raise EngineError(
                f"{self.checkpoint.name} gave {pictures[0].shape[1]} x {pictures[0].shape[0]} px "
                f"instead of {width} x {height}"
            )
        if not all(np.isfinite(picture).all() for picture in pictures):
            raise EngineError(f"{self.checkpoint.name} gave a picture that is no number")
        if self._lens is None:
            cells = self._cells(last["latents"], size)
            self._lens = LatentLens.fitted(cells[0], pictures[0])
        return pictures

    def size_arguments(self, width: int, height: int) -> dict[str, Any]:
        """Return how the pipeline is told its size."""
        return {"width": width, "height": height}

    def _smaller(self, places: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return a batch that did not fit as batches that may; raise when none may."""
        devices.give_back_memory(self._device)
        if len(places) > 1:
            half = (len(places) + 1) // 2
            self.most_at_once = half
            return [places[:half], places[half:]]
        if not self.is_tiled:
            self._tile()
            return [places]
        raise EngineError(
            f"{self.checkpoint.name} does not fit into the memory of "
            f"{devices.describe(self._device)}, not even one picture in tiles; choose a smaller "
            "checkpoint or leave the device to this worker alone"
        )

    def _tile(self) -> None:
        """Decode in tiles: slower, and faint seams are possible, but a fraction of the memory."""
        autoencoder = self.pipeline.vae
        autoencoder.enable_tiling()
        if hasattr(autoencoder, "tile_sample_min_size"):
            scale = autoencoder.tile_sample_min_size // autoencoder.tile_latent_min_size
            autoencoder.tile_sample_min_size = _TILE_PX
            autoencoder.tile_latent_min_size = _TILE_PX // scale
        autoencoder.enable_slicing()
        self.is_tiled = True
        # Tiles are encoded apart too.
        self.encodings.forget()

    def _suit_cuda(self) -> None:
        """Lay convolutions out as the tensor cores read them."""
        for name in ("unet", "controlnet", "vae"):
            network = getattr(self.pipeline, name, None)
            if network is not None and _is_convolutional(network):
                network.to(memory_format=torch.channels_last)

    def _preview(self, latents: torch.Tensor, size: tuple[int, int], number: int) -> Photo | None:
        if self._lens is None:
            return None
        (cells,) = self._cells(latents[number : number + 1], size)
        return self._lens.see(cells)

    def _cells(self, latents: torch.Tensor, size: tuple[int, int]) -> list[Cells]:
        """Return one map of vectors for each picture, as bright as a finished one."""
        cells = latents.detach()
        if cells.ndim == 3:
            # Packed: a row of tokens, each a patch of two by two latents.
            rows = size[1] // (2 * self.pipeline.vae_scale_factor)
            cells = cells.reshape(len(cells), rows, -1, cells.shape[-1]).permute(0, 3, 1, 2)
        scale = self._brightness()
        return [np.asarray((each * scale).float().cpu().numpy(), np.float32) for each in cells]

    def _brightness(self) -> float:
        """Return by what latents at this step have to be multiplied to be as large as finished."""
        scheduler = self.pipeline.scheduler
        if not hasattr(scheduler, "init_noise_sigma") or scheduler.step_index is None:
            return 1.0
        sigma = float(scheduler.sigmas[min(scheduler.step_index, len(scheduler.sigmas) - 1)])
        return float((sigma**2 + 1) ** -0.5)


def silence_libraries() -> None:
    """Keep the networks' libraries from writing bars and advice onto a worker's log."""
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def pictures_of(requests: Sequence[BackdropRequest]) -> list[Pillow.Image]:
    """Return the pictures to start from, as pipelines take them."""
    return [Pillow.fromarray(request.init) for request in requests]


def masks_of(requests: Sequence[BackdropRequest]) -> list[Pillow.Image]:
    """Return the masks as pipelines take them: white is painted."""
    return [Pillow.fromarray(request.mask.astype(np.uint8) * 255) for request in requests]


def _is_network(component: object) -> bool:
    return isinstance(component, torch.nn.Module)


def _is_convolutional(network: torch.nn.Module) -> bool:
    return any(isinstance(each, torch.nn.Conv2d) for each in network.modules()) and not any(
        isinstance(each, torch.nn.Conv3d) for each in network.modules()
    )


def _is_out_of_memory(error: RuntimeError) -> bool:
    # The CPU's allocator and cuBLAS raise a plain RuntimeError.
    words = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        known in words for known in ("not enough memory", "out of memory", "ALLOC_FAILED")
    )
