"""What an engine has encoded before and need not encode again: words, and pictures to start from.

Owns the memory of encodings, its bound, and the laying of it around a pipeline. Orders of one scene
template bring the same words; another seed of one picture brings the same picture, masked and
whole. A picture is the same, bit for bit, with and without: what is remembered is what the encoder
gave for the very same call, and noise is drawn afterwards, from each request's own seed.

Kept in host memory, so that it takes no room of the device and outlives the engine's leaving it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import torch
from PIL import Image as Pillow

LIMIT_BYTES: Final = 64 * 1024**2
"""Words take 0.6 MB a picture in SDXL and 8 MB in FLUX.2 klein, a picture at most 0.6 MB."""


class EncodingCache:
    """Encodings by what they were made of; the least recently used go first.

    Parameters
    ----------
    limit_bytes
        Most that is kept; a larger encoding is not kept at all.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[bytes, Any] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, key: bytes, device: torch.device, encode: Callable[[], Any]) -> Any:
        """Return an encoding, remembered or made now.

        Parameters
        ----------
        encode
            Makes it: tensors, alone or in tuples and lists, None among them.

        Returns
        -------
        Tensors on the device that nobody else holds: they may be written to.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return _mapped(self._kept[key], lambda tensor: tensor.to(device, copy=True))
        made = encode()
        kept = _mapped(made, lambda tensor: tensor.detach().to("cpu", copy=True))
        size = _bytes_of(kept)
        if size <= self._limit:
            self._kept[key] = kept
            self.size_bytes += size
        while self.size_bytes > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self.size_bytes -= _bytes_of(oldest)
        return made

    def forget(self) -> None:
        """Drop everything: what encodes has changed."""
        self._kept.clear()
        self.size_bytes = 0


def remember_encodings(pipeline: Any, cache: EncodingCache, device: torch.device) -> None:
    """Let a pipeline ask the cache before its text encoders and before its autoencoder's encoder.

    Parameters
    ----------
    device
        Where the pipeline runs.
    """
    encode_words, encode_picture = pipeline.encode_prompt, pipeline.vae.encode

    def words(*arguments: Any, **named: Any) -> Any:
        key = _key("words", str(pipeline.dtype), arguments, named)
        return cache.recall(key, device, lambda: encode_words(*arguments, **named))

    def picture(pixels: torch.Tensor) -> Any:
        shapes: list[Any] = []

        def encode() -> torch.Tensor:
            made = encode_picture(pixels)
            shapes[:] = [made]
            parameters: torch.Tensor = made.latent_dist.parameters
            return parameters

        parameters = cache.recall(_key("picture", pixels), device, encode)
        # The distribution that latents are drawn from, not the latents: those are the seed's.
        return shapes[0] if shapes else _posterior(parameters)

    pipeline.encode_prompt = words
    pipeline.vae.encode = picture


def _posterior(parameters: torch.Tensor) -> Any:
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution  # noqa: PLC0415
    from diffusers.models.modeling_outputs import AutoencoderKLOutput  # noqa: PLC0415

    return AutoencoderKLOutput(latent_dist=DiagonalGaussianDistribution(parameters))


def _mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Return the same tuples and lists with every tensor changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(_mapped(each, change) for each in value)
    return value


def _bytes_of(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return int(value.nbytes)
    return sum(_bytes_of(each) for each in value) if isinstance(value, (tuple, list)) else 0


def _key(*what: Any) -> bytes:
    """Return a digest of everything that an encoding is made of."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, what)
    return digest.digest()


def _feed(digest: Any, value: Any) -> None:
    """Take in a value with its type and length, so that no two values read alike.

    Raises
    ------
    TypeError
        If it is of a kind whose whole content is not known here.
    """
    if isinstance(value, torch.Tensor):
        # Byte by byte: numpy knows no bfloat16.
        flat = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        head, body = f"tensor {value.dtype} {tuple(value.shape)}", flat.numpy().tobytes()
    elif isinstance(value, Pillow.Image):
        head, body = f"picture {value.mode} {value.size}", value.tobytes()
    elif isinstance(value, np.ndarray):
        head, body = f"array {value.dtype} {value.shape}", np.ascontiguousarray(value).tobytes()
    elif isinstance(value, (tuple, list)):
        digest.update(f"{type(value).__name__} {len(value)}:".encode())
        for each in value:
            _feed(digest, each)
        return
    elif isinstance(value, Mapping):
        _feed(digest, sorted(value.items()))
        return
    elif value is None or isinstance(value, (str, int, float, torch.device)):
        head, body = type(value).__name__, str(value).encode()
    else:
        raise TypeError(f"no key for an encoding of {type(value).__name__}")
    digest.update(f"{head} {len(body)}:".encode() + body)
