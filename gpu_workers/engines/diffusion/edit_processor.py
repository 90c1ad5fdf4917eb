"""Pictures and words for the text encoder of Qwen-Image-Edit, without torchvision.

Owns what `transformers.Qwen2VLProcessor` does for still pictures. That class wants a processor for
videos too, which needs torchvision; the build of torchvision that package indexes offer does not
fit every torch, and then breaks each import of diffusers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import transformers
from transformers.processing_utils import ProcessorMixin

_IMAGE_WORD: Final = "<|image_pad|>"


class PicturesAndWords(ProcessorMixin):
    """Turns texts, each with one place for a picture, into tokens and patches.

    A processor by name only, since diffusers asks for that: nothing of the base is used.
    """

    def __init__(self, image_processor: Any, tokenizer: Any) -> None:
        # Not the base's, which would look for the processor of videos.
        self.image_processor = image_processor
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path) -> PicturesAndWords:
        """Read the two parts from a checkpoint's folder."""
        return cls(
            transformers.Qwen2VLImageProcessorPil.from_pretrained(
                folder / "processor", local_files_only=True
            ),
            transformers.AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        )

    def save_pretrained(self, save_directory: str, **_options: Any) -> None:
        """Write what `load` reads."""
        self.image_processor.save_pretrained(save_directory)

    def __call__(
        self, *, text: Sequence[str], images: Sequence[Any], padding: bool, return_tensors: str
    ) -> Any:
        """Return what the encoder takes: tokens, their mask, patches and their grids."""
        seen = self.image_processor(images=list(images), return_tensors=return_tensors)
        merged = self.image_processor.merge_size**2
        counts = [int(grid.prod()) // merged for grid in seen["image_grid_thw"]]
        words = [
            each.replace(_IMAGE_WORD, _IMAGE_WORD * count, 1)
            for each, count in zip(text, counts, strict=True)
        ]
        tokens = self.tokenizer(words, padding=padding, return_tensors=return_tensors)
        seen.update(tokens)
        return seen
