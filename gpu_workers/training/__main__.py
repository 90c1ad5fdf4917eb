"""Train the product finder: `python -m gpu_workers.training --minutes 90 --out FILE.onnx`.

Owns the arguments, what is printed, and the sheet of pictures to look at.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image as Pillow

from gpu_workers.engines.product_finder import SIDE
from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.regions import Mask, iou
from gpu_workers.training.fitting import Plan, Progress, fit
from gpu_workers.training.network import ProductNetwork, write_onnx
from gpu_workers.training.pictures import rendered_products, training_picture

_SHEET = (8, 12)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, or only draw some of the pictures."""
    parser = argparse.ArgumentParser(prog="python -m gpu_workers.training", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help=".onnx, or as --sheet, --pictures")
    parser.add_argument("--sheet", action="store_true", help="only draw a contact sheet (.png)")
    parser.add_argument("--pictures", type=int, help="only draw so many pictures, into a folder")
    parser.add_argument("--side", type=int, default=480, help="pixels of those pictures")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--products", type=Path, help="NAME.png with NAME_alpha.png to show too")
    parser.add_argument("--photos", type=Path, help="NAME.jpg with NAME_mask.png to test with")
    options = parser.parse_args(arguments)
    if options.sheet:
        _write_sheet(options.out, options.seed, options.products)
        return 0
    if options.pictures:
        _write_pictures(options.out, options.pictures, options.side, options.seed)
        return 0
    truth = _truth(options.photos) if options.photos else []

    def tell(progress: Progress, network: ProductNetwork) -> None:
        write_onnx(network, options.out)
        line = f"step {progress.step}, {progress.minutes:.1f} min, {progress.drawn} pictures drawn"
        line += f", overlap {progress.overlap:.3f}"
        if truth:
            real = [iou(_found(network, photo), mask) for photo, mask in truth]
            line += f", on {len(real)} photos {np.mean(real):.3f}, least {min(real):.2f}"
        print(line, flush=True)

    plan = Plan(options.minutes, options.drawers, seed=options.seed, products=options.products)
    write_onnx(fit(plan, tell), options.out)
    return 0


def _truth(folder: Path) -> list[tuple[Photo, Mask]]:
    pairs = []
    for path in sorted(folder.glob("*_mask.png")):
        photo = Pillow.open(path.with_name(path.name.replace("_mask.png", ".jpg"))).convert("RGB")
        mask = Pillow.open(path).convert("L")
        small, levels = (
            cv2.resize(np.asarray(one), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            for one in (photo, mask)
        )
        pairs.append((np.asarray(small, np.uint8), np.asarray(levels > 127)))
    return pairs


def _found(network: ProductNetwork, photo: Photo) -> Mask:
    device = next(network.parameters()).device
    levels = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        return np.asarray(network(levels.to(device))[0, 0].cpu().numpy() > 0)


def _write_pictures(folder: Path, number: int, side: int, seed: int) -> None:
    """Write pictures with their masks, as `bench quality --photos` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in range(number):
        photo, mask = training_picture(np.random.default_rng((seed, name)), side=side)
        Pillow.fromarray(photo).save(folder / f"{name:04d}.png")
        Pillow.fromarray(mask).save(folder / f"{name:04d}_mask.png")


def _write_sheet(path: Path, seed: int, products: Path | None) -> None:
    rng, known = np.random.default_rng(seed), rendered_products(products) if products else []
    rows = []
    for _ in range(_SHEET[0]):
        pairs = [training_picture(rng, known) for _ in range(_SHEET[1])]
        rows.append(np.hstack([np.hstack([p, np.dstack([m] * 3)]) for p, m in pairs]))
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    raise SystemExit(main())
