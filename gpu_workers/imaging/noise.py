"""Smooth random fields that tile without a seam.

Owns the building blocks of procedural textures. All fields are float32 with mean 0 and standard
deviation 1, and wrap around at all four sides.

Source: value noise summed over octaves (Ebert et al., *Texturing and Modeling*, 2003, chapter 2).
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]

_WRAP: Final = 3
"""Pixels of the other side a cubic kernel needs to see (2), and one for safety."""
_MAX_STRETCH: Final = 16


def fractal(
    size: tuple[int, int],
    cells: tuple[int, int],
    generator: np.random.Generator,
    *,
    gain: float = 0.5,
) -> Floats:
    """Return a field with detail at every scale from `cells` down to the pixel.

    Parameters
    ----------
    size
        Height and width of the result.
    cells
        Cells of the coarsest octave along height and width; unequal cells stretch the field.
    gain
        Amplitude of each octave relative to the one before; 0.5 is soft, 0.7 rough.
    """
    rows, columns = cells
    field = generator.standard_normal((rows, columns), dtype=np.float32)
    amplitude = 1.0
    while 2 * rows <= size[0] and 2 * columns <= size[1]:
        rows, columns = 2 * rows, 2 * columns
        amplitude *= gain
        field = stretched(field, (rows, columns))
        field += amplitude * generator.standard_normal((rows, columns), dtype=np.float32)
    return normal(stretched(field, size))


def smooth(size: tuple[int, int], cells: tuple[int, int], generator: np.random.Generator) -> Floats:
    """Return a field of one octave: soft blobs, one per cell."""
    return normal(stretched(generator.standard_normal(cells, dtype=np.float32), size))


def stretched(field: Floats, size: tuple[int, int]) -> Floats:
    """Return the field at another size (height, width), interpolated around the corner."""
    rows, columns = field.shape
    middle = (min(size[0], rows * _MAX_STRETCH), min(size[1], columns * _MAX_STRETCH))
    if middle != size:
        field = _stretched_once(field, middle)
    return _stretched_once(field, size)


def normal(field: Floats) -> Floats:
    """Return the field with mean 0 and standard deviation 1."""
    mean, deviation = cv2.meanStdDev(field)
    return np.asarray((field - np.float32(mean[0, 0])) / np.float32(deviation[0, 0]), np.float32)


def _stretched_once(field: Floats, size: tuple[int, int]) -> Floats:
    rows, columns = field.shape
    if (rows, columns) == size:
        return field
    scale_y, scale_x = size[0] / rows, size[1] / columns
    wrapped = cv2.copyMakeBorder(field, _WRAP, _WRAP, _WRAP, _WRAP, cv2.BORDER_WRAP)
    larger = (round((columns + 2 * _WRAP) * scale_x), round((rows + 2 * _WRAP) * scale_y))
    resized = cv2.resize(wrapped, larger, interpolation=cv2.INTER_CUBIC)
    top, left = round(_WRAP * scale_y), round(_WRAP * scale_x)
    return np.asarray(resized[top : top + size[0], left : left + size[1]], dtype=np.float32)
