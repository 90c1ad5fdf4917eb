"""Small pictures of unfinished ones, from latents alone.

Owns the linear map from one cell of the latents to the color it will become. The autoencoders are
too slow to be asked at each step, and close to linear in the mean color of a cell; the map is
fitted to the first picture that an engine finishes, so it fits any autoencoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gpu_workers.engines.backdrop_generator import Encoded
from gpu_workers.imaging.arrays import Photo

Cells: TypeAlias = npt.NDArray[np.float32]
"""(c, h, w) float32: latents of one picture, one vector of c numbers for each cell."""

_RIDGE: Final = 1e-3
"""Pull towards a gray picture, relative to the latents' own energy: settles directions that the
first picture did not show."""


@dataclass(frozen=True, slots=True, eq=False)
class LatentLens:
    """The map of one autoencoder."""

    weights: npt.NDArray[np.float64]
    """(c + 1, 3): the last row is the color of empty latents."""

    @classmethod
    def fitted(cls, cells: Cells, picture: Encoded) -> LatentLens:
        """Fit the map to one finished picture.

        Parameters
        ----------
        cells
            Its latents.
        picture
            The picture itself; its sides are multiples of the cells'.
        """
        channels, rows, columns = cells.shape
        height, width = picture.shape[0] // rows, picture.shape[1] // columns
        blocks = picture[: rows * height, : columns * width].reshape(
            rows, height, columns, width, 3
        )
        color = blocks.mean(axis=(1, 3), dtype=np.float64).reshape(-1, 3)
        vectors = _with_one(cells)
        energy = vectors.T @ vectors
        pull = _RIDGE * np.trace(energy) / (channels + 1) * np.eye(channels + 1)
        pull[-1, -1] = 0
        return cls(np.linalg.solve(energy + pull, vectors.T @ color))

    def see(self, cells: Cells) -> Photo:
        """Return (h, w, 3) uint8: one pixel for each cell."""
        _, rows, columns = cells.shape
        color = (_with_one(cells) @ self.weights).reshape(rows, columns, 3)
        return (np.clip(np.nan_to_num(color), 0, 1) * 255 + 0.5).astype(np.uint8)


def _with_one(cells: Cells) -> npt.NDArray[np.float64]:
    flat = cells.reshape(cells.shape[0], -1).T.astype(np.float64)
    return np.hstack([flat, np.ones((len(flat), 1))])
