"""Demo photos: which product stands where, and how the picture is developed.

Owns the list of samples, their sets, lights and cameras, and the step from radiance to 8-bit
sRGB: denoising, exposure, tone, grain. It writes no files (`__main__` does).

Lengths are centimetres. Same arguments, same pixels: every random number comes from `seed`, the
strip and nothing else, so the number of processes does not matter.

Sources: Dammertz et al., "Edge-Avoiding A-Trous Wavelet Transform" (2010), the denoiser;
Hable (2010) and Narkowicz (2015), the idea of a filmic shoulder.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apps.catalog.sample_photos import objects, surfaces
from apps.catalog.sample_photos.sdf import Array
from apps.catalog.sample_photos.surfaces import srgb
from apps.catalog.sample_photos.trace import Camera, Draws, RectLight, Room, Sampler, Scene, Tracer

Pixels = npt.NDArray[np.uint8]

STRIP_RAYS = 60_000
TONE_ERROR = 0.04


@dataclass(frozen=True)
class Sample:
    """One demo photo of one product.

    `aspect` is width over height, `key` the brightness that the median of the picture is
    exposed to, `warmth` the white balance error of an honest camera (0 is neutral).
    """

    slug: str
    sku: str
    title: str
    view: str
    scene: Callable[[], Scene]
    aspect: float = 0.75
    key: float = 0.40
    warmth: float = 0.02
    contrast: float = 1.0
    samples: int = 16


def _window(
    x: float,
    y: float,
    z: float,
    *,
    half_w: float,
    half_h: float,
    level: float,
    aim: tuple[float, float, float] = (0.0, 8.0, 0.0),
    panes: tuple[int, int] = (1, 1),
    color: tuple[float, float, float] = (0.96, 0.99, 1.05),
) -> RectLight:
    """Place an upright or tilted light at (x, y, z) that looks at `aim`."""
    center, target = np.array([x, y, z], dtype=np.float64), np.array(aim)
    facing = target - center
    facing /= np.linalg.norm(facing)
    side = np.cross(np.array([0.0, 1.0, 0.0]), facing)
    side /= np.linalg.norm(side)
    up = np.cross(facing, side)

    def three(v: npt.NDArray[np.float64]) -> tuple[float, float, float]:
        return float(v[0]), float(v[1]), float(v[2])

    return RectLight(
        (x, y, z),
        three(side * half_w),
        three(up * half_h),
        (color[0] * level, color[1] * level, color[2] * level),
        panes,
    )


def _camera(
    *,
    distance: float,
    pitch_deg: float,
    target: tuple[float, float, float],
    fov_deg: float,
    lens_cm: float = 0.35,
    orbit_deg: float = 0.0,
    focus: tuple[float, float, float] | None = None,
) -> Camera:
    pitch, orbit = np.radians(pitch_deg), np.radians(orbit_deg)
    eye = (
        float(target[0] + distance * np.cos(pitch) * np.sin(orbit)),
        float(target[1] + distance * np.sin(pitch)),
        float(target[2] + distance * np.cos(pitch) * np.cos(orbit)),
    )
    return Camera(eye, target, fov_deg, lens_cm, focus or (target[0], target[1], target[2] + 2.0))


_OAK = (srgb(214, 178, 134), srgb(150, 108, 68))
_WALNUT = (srgb(140, 98, 66), srgb(72, 46, 30))


def _amber(yaw: float, turn: float) -> Scene:
    return Scene(
        objects.AmberBottle(),
        surfaces.TableAndWall(
            surfaces.wood(*_OAK, seed=3),
            surfaces.plaster(srgb(222, 217, 208)),
            edge_cm=30,
            wall_cm=58,
            turn_deg=turn,
        ),
        (
            _window(-58, 44, 4, half_w=15, half_h=21, level=62, panes=(2, 3)),
            _window(80, 30, 50, half_w=30, half_h=30, level=0.7, color=(1.05, 1.0, 0.93)),
        ),
        Room(level=0.62),
        _camera(distance=62, pitch_deg=11, target=(0.2, 8.7, 0), fov_deg=23.5),
        yaw_deg=yaw,
        photons=500_000,
    )


def _tote(yaw: float, orbit: float) -> Scene:
    return Scene(
        objects.ToteBag(),
        surfaces.TableAndWall(
            surfaces.wood(*_OAK, seed=8, plank_cm=15),
            surfaces.plaster(srgb(176, 188, 184)),
            edge_cm=80,
            wall_cm=82,
        )
        if orbit
        else surfaces.Sweep(surfaces.paper(srgb(226, 224, 220)), back_cm=75),
        (
            _window(-115, 95, 62, half_w=30, half_h=38, level=52, aim=(0, 18, 0)),
            _window(140, 60, 60, half_w=50, half_h=50, level=0.8),
        ),
        Room(level=0.7),
        _camera(distance=165, pitch_deg=9, target=(0, 20.5, 0), fov_deg=21, lens_cm=0.6),
        yaw_deg=yaw,
    )


def _moka() -> Scene:
    return Scene(
        objects.MokaPot(),
        surfaces.Sweep(surfaces.paper(srgb(236, 235, 232), seed=41), back_cm=62),
        (
            _window(-62, 38, 24, half_w=14, half_h=30, level=46, panes=(2, 3)),
            _window(66, 34, 18, half_w=6, half_h=30, level=22, color=(1.05, 1.0, 0.92)),
        ),
        Room(
            contrast=0.5,
            level=0.6,
            # A room is seen in the facets: a bright doorway, a lamp, a dark shelf, a person.
            patches=(
                (0.2, 0.95, 0.5, 0.90, 1.6),
                (-0.75, 0.25, 0.62, 0.95, 2.6),
                (-0.30, 0.10, 0.95, 0.985, 1.3),
                (0.10, 0.0, 1.0, 0.975, -0.30),
                (0.62, 0.30, 0.75, 0.975, 1.1),
                (0.95, 0.1, 0.5, 0.96, -0.3),
            ),
        ),
        _camera(distance=72, pitch_deg=9.5, target=(-1.3, 9.3, 0), fov_deg=22.5),
        yaw_deg=-31,
    )


def _perfume() -> Scene:
    return Scene(
        objects.PerfumeBottle(),
        surfaces.TableAndWall(
            surfaces.linen(srgb(232, 222, 208), wrinkle=0.8),
            surfaces.plaster(srgb(222, 196, 184)),
            edge_cm=26,
            wall_cm=50,
            turn_deg=14,
        ),
        (
            _window(-46, 36, -18, half_w=9, half_h=12, level=110, aim=(0, 5, 0)),
            _window(44, 34, 42, half_w=16, half_h=22, level=9),
        ),
        Room(level=0.8),
        _camera(distance=48, pitch_deg=14, target=(0.3, 5.7, 0), fov_deg=20, lens_cm=0.3),
        yaw_deg=-17,
        photons=1_200_000,
    )


def _mug() -> Scene:
    return Scene(
        objects.Mug(),
        # A cream glaze needs a backdrop that is not cream.
        surfaces.Sweep(surfaces.paper(srgb(74, 112, 112), seed=15), back_cm=52),
        (
            _window(-54, 38, 14, half_w=15, half_h=18, level=58, panes=(2, 2)),
            _window(70, 40, 30, half_w=24, half_h=24, level=0.8),
        ),
        Room(level=0.6),
        _camera(distance=54, pitch_deg=21, target=(1.1, 4.4, 0), fov_deg=19.5),
        yaw_deg=-24,
    )


def _candle() -> Scene:
    return Scene(
        objects.CandleJar(),
        surfaces.TableAndWall(
            surfaces.wood(*_WALNUT, seed=5, plank_cm=13),
            surfaces.plaster(srgb(190, 184, 172)),
            edge_cm=30,
            wall_cm=60,
            turn_deg=-12,
        ),
        (
            _window(54, 42, 6, half_w=15, half_h=19, level=62, panes=(2, 3)),
            _window(-70, 30, 40, half_w=24, half_h=24, level=0.9),
        ),
        Room(bright_side=(1.0, 0.2, 0.3), level=0.65),
        _camera(distance=52, pitch_deg=17, target=(0, 4.4, 0), fov_deg=18.5),
        yaw_deg=8,
        photons=800_000,
    )


def _car() -> Scene:
    return Scene(
        objects.ToyCar(),
        surfaces.Sweep(surfaces.paper(srgb(236, 235, 232)), back_cm=55),
        (
            _window(-56, 62, 22, half_w=17, half_h=19, level=46),
            _window(75, 40, 45, half_w=28, half_h=28, level=1.6),
        ),
        Room(level=0.8),
        _camera(distance=62, pitch_deg=19, target=(0, 4.2, 0), fov_deg=18.5),
        yaw_deg=-31,
    )


def _carton() -> Scene:
    return Scene(
        objects.TeaCarton(),
        surfaces.Sweep(surfaces.paper(srgb(206, 172, 130), fleck=0.8, seed=35), back_cm=50),
        (
            _window(60, 52, 34, half_w=15, half_h=19, level=52),
            _window(-80, 40, 40, half_w=30, half_h=30, level=1.6),
        ),
        Room(bright_side=(1.0, 0.2, 0.3), level=0.7),
        _camera(distance=66, pitch_deg=16, target=(0, 7.8, 0), fov_deg=21.5),
        yaw_deg=33,
    )


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "hand-wash-front",
        "AMB-250",
        "Cedarwood hand wash, amber glass, 250 ml",
        "front",
        lambda: _amber(9, 4),
        key=0.47,
    ),
    Sample(
        "hand-wash-back",
        "AMB-250",
        "Cedarwood hand wash, amber glass, 250 ml",
        "back",
        lambda: _amber(187, 4),
        key=0.47,
    ),
    Sample(
        "tote-front",
        "TOTE-NAT",
        "Canvas market tote with leather handles",
        "front",
        lambda: _tote(9, 0),
        key=0.52,
    ),
    Sample(
        "tote-angle",
        "TOTE-NAT",
        "Canvas market tote with leather handles",
        "angle",
        lambda: _tote(-38, 1),
        key=0.36,
    ),
    Sample(
        "moka-pot-angle",
        "MOKA-6",
        "Moka pot, six cups, polished aluminium",
        "angle",
        _moka,
        key=0.60,
        aspect=0.8,
    ),
    Sample(
        "perfume-front",
        "PRF-050",
        "Eau de parfum No. 7, 50 ml",
        "front",
        _perfume,
        key=0.50,
        samples=22,
    ),
    Sample(
        "mug-front",
        "MUG-MDW",
        "Stoneware mug, meadow print, 350 ml",
        "front",
        _mug,
        aspect=4 / 3,
        key=0.44,
    ),
    Sample(
        "candle-front",
        "CND-180",
        "Soy wax candle in glass, 180 g",
        "front",
        _candle,
        aspect=1.0,
        key=0.28,
        samples=22,
    ),
    Sample(
        "toy-car-angle",
        "TOY-CAR",
        "Wooden pull car with driver",
        "angle",
        _car,
        aspect=4 / 3,
        key=0.66,
    ),
    Sample(
        "tea-carton-angle",
        "TEA-20",
        "Sencha green tea, 20 pyramid bags",
        "angle",
        _carton,
        aspect=0.8,
        key=0.36,
    ),
)


# -- rendering -----------------------------------------------------------------------------------

_CHANNELS = 14
_loaded: list[Tracer] = []
"""The scene being rendered; worker processes inherit it by fork instead of building it again."""


def _strip(job: tuple[int, int, int, int, int, int]) -> tuple[int, Array]:
    """Render rows `top` to `bottom` of the loaded scene."""
    top, bottom, width, height, samples, seed = job
    tracer = _loaded[-1]
    rows, columns = np.mgrid[top:bottom, 0:width]
    px, py = columns.ravel().astype(np.float32), rows.ravel().astype(np.float32)
    rng = np.random.default_rng([seed, top])
    sampler = Sampler(rng, px.size, samples)
    total = np.zeros((_CHANNELS, px.size), dtype=np.float32)
    count = np.zeros(px.size, dtype=np.float32)
    moments = np.zeros((2, px.size), dtype=np.float32)
    pixel = np.arange(px.size)
    everywhere = max(samples // 8 * 2, min(samples, 6))
    for sample in range(samples):
        if sample >= everywhere and (sample - everywhere) % 2 == 0:
            pixel = _unsettled(moments, count, total[13])
            if pixel.size == 0:
                break
        hits = tracer.first_hits(
            px[pixel], py[pixel], (width, height), Draws(sampler, pixel, sample)
        )
        # One bright path in a few dozen would stay visible as a speck.
        other = np.minimum(hits.other, 5.0)
        total[0:3, pixel] += hits.diffuse
        total[3:6, pixel] += other
        total[6:9, pixel] += hits.albedo
        total[9:12, pixel] += hits.normal
        total[12, pixel] += hits.depth
        total[13, pixel] += hits.alpha
        # On the set only the light must settle (its pattern needs no denoiser), and roughly.
        light = hits.diffuse / np.maximum(hits.albedo, 0.05) * 0.25 + other * 0.5
        seen = np.where(hits.alpha > 0, hits.diffuse + other, light)
        tone = np.sqrt(np.maximum(seen.mean(axis=0), 0.0))
        count[pixel] += 1
        moments[0, pixel] += tone
        moments[1, pixel] += tone * tone
    mean: Array = total / count
    return top, mean.reshape(_CHANNELS, bottom - top, width)


def _unsettled(moments: Array, count: Array, hits: Array) -> npt.NDArray[np.int64]:
    """Return the outline of the product and the pixels whose mean tone is still uncertain."""
    mean = moments[0] / count
    variance = np.maximum(moments[1] / count - mean * mean, 0.0) / np.maximum(count - 1, 1)
    noisy = np.sqrt(variance) > TONE_ERROR * (0.25 + mean)
    return np.flatnonzero(noisy | ((hits > 0) & (hits < count)))


def render_sample(
    sample: Sample, *, width_px: int, height_px: int, samples: int, seed: int, processes: int = 1
) -> tuple[Pixels, Pixels]:
    """Render one demo photo and its ground-truth opacity.

    Parameters
    ----------
    sample
        Which photo.
    width_px, height_px
        Size; use the sample's aspect or the framing changes.
    samples
        Paths per pixel, at most; flat parts of the set take fewer.
    seed
        Seed of all random numbers.
    processes
        Worker processes; the result does not depend on it.

    Returns
    -------
    (h, w, 3) uint8 sRGB, and (h, w) uint8 opacity of the product before its shadow, 255 inside.
    """
    layers = trace_layers(
        sample,
        width_px=width_px,
        height_px=height_px,
        samples=samples,
        seed=seed,
        processes=processes,
    )
    alpha = np.round(np.clip(layers[13], 0.0, 1.0) * 255).astype(np.uint8)
    return develop(clean_radiance(layers), sample, seed), alpha


def trace_layers(
    sample: Sample, *, width_px: int, height_px: int, samples: int, seed: int, processes: int
) -> Array:
    """Trace one demo photo, with the arguments of `render_sample`.

    Returns
    -------
    (14, h, w) float32: diffuse radiance (3), other radiance (3), albedo (3), normal (3), depth in
    centimetres, opacity of the product.
    """
    _loaded[:] = [Tracer(sample.scene(), seed)]
    rows = max(STRIP_RAYS // width_px, 1)
    jobs = [
        (top, min(top + rows, height_px), width_px, height_px, samples, seed)
        for top in range(0, height_px, rows)
    ]
    layers = np.empty((_CHANNELS, height_px, width_px), dtype=np.float32)
    if processes > 1:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            for top, strip in pool.imap_unordered(_strip, jobs):
                layers[:, top : top + strip.shape[1]] = strip
    else:
        for top, strip in map(_strip, jobs):
            layers[:, top : top + strip.shape[1]] = strip
    _loaded.clear()
    return layers


def clean_radiance(layers: Array) -> Array:
    """Denoise traced layers (14, h, w) to radiance (3, h, w)."""
    light, gloss = clean_layers(layers)
    result: Array = light * np.maximum(layers[6:9], 0.004) + gloss
    return result


def clean_layers(layers: Array) -> tuple[Array, Array]:
    """Denoise traced layers (14, h, w) to diffuse light and other radiance, (3, h, w) each.

    Light and reflectance are told apart first, so that print and grain stay as sharp as traced.
    """
    albedo = np.maximum(layers[6:9], 0.004)
    normal, depth = layers[9:12], layers[12]
    light = _denoise(_despeckle(layers[0:3] / albedo), normal, depth, strength=2.2)
    gloss = _denoise(_despeckle(layers[3:6]), normal, depth, strength=0.4, passes=2)
    return light, gloss


def _despeckle(image: Array) -> Array:
    """Clip each pixel of (3, h, w) to the range of its eight neighbors."""
    height, width = image.shape[1:]
    padded = np.pad(image, [(0, 0), (1, 1), (1, 1)], mode="edge")
    low, high = np.full_like(image, np.inf), np.full_like(image, -np.inf)
    for j in range(3):
        for i in range(3):
            if i == 1 and j == 1:
                continue
            neighbor = padded[:, j : j + height, i : i + width]
            np.minimum(low, neighbor, out=low)
            np.maximum(high, neighbor, out=high)
    return np.clip(image, low, high)


def _denoise(
    image: Array, normal: Array, depth: Array, *, strength: float, passes: int = 4
) -> Array:
    """Smooth (3, h, w) radiance where normal, depth and tone agree (Dammertz et al. 2010)."""
    kernel = (0.0625, 0.25, 0.375, 0.25, 0.0625)
    out = image.astype(np.float32)
    height, width = depth.shape
    for level in range(passes):
        step = 1 << level
        if 2 * step >= min(height, width):
            break
        pad = 2 * step
        wide = [(0, 0), (pad, pad), (pad, pad)]
        # Compare smoothed tones, or a noisy pixel would find no neighbor like itself.
        tone = np.log1p(4.0 * _blur(out.mean(axis=0), (1.2, 0.8, 0.0, 0.0)[level]))
        p_out = np.pad(out, wide, mode="edge")
        p_normal = np.pad(normal, wide, mode="edge")
        p_depth = np.pad(depth, wide[1:], mode="edge")
        p_tone = np.pad(tone, wide[1:], mode="edge")
        total = np.zeros_like(out)
        weights = np.zeros_like(depth)
        narrow = 0.14 * strength / (1 << level) + 0.02
        for j in range(5):
            for i in range(5):
                at = (slice(j * step, j * step + height), slice(i * step, i * step + width))
                delta_n = ((p_normal[(slice(None), *at)] - normal) ** 2).sum(axis=0)
                delta_t = (p_tone[at] - tone) / narrow
                delta_d = (p_depth[at] - depth) / (0.02 * depth + 0.1 * step)
                w = (
                    kernel[i]
                    * kernel[j]
                    * np.exp(
                        -np.minimum(delta_n * 40.0 + delta_t * delta_t + delta_d * delta_d, 30.0)
                    )
                )
                total += p_out[(slice(None), *at)] * w
                weights += w
        out = (total / weights).astype(np.float32)
    return out


def _blur(image: Array, sigma_px: float) -> Array:
    """Blur (..., h, w) with a Gaussian; edges are repeated."""
    if sigma_px < 0.15:
        return image
    radius = max(int(3 * sigma_px + 0.5), 1)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (-1, -2):
        pad = [(0, 0)] * image.ndim
        pad[axis] = (radius, radius)
        padded = np.pad(image, pad, mode="edge")
        length = image.shape[axis]
        image = sum(
            (
                np.take(padded, range(k, k + length), axis=axis) * float(tap)
                for k, tap in enumerate(taps)
            ),
            start=np.zeros_like(image),
        )
    return image


def develop(radiance: Array, sample: Sample, seed: int) -> Pixels:
    """Turn radiance into the picture a camera would give.

    Parameters
    ----------
    radiance
        (3, h, w) float32, linear sRGB, any exposure.
    sample
        Gives exposure, white balance and contrast.
    seed
        Seed of the grain.

    Returns
    -------
    (h, w, 3) uint8 sRGB.
    """
    height, width = radiance.shape[1:]
    luminance = (radiance * np.array([0.2126, 0.7152, 0.0722])[:, None, None]).sum(axis=0)
    exposed = radiance * np.float32(sample.key / max(float(np.median(luminance)), 1e-6))
    balance = np.array([1 + sample.warmth, 1.0, 1 - 1.4 * sample.warmth])
    scale = max(height, width) / 1400
    # Lens: not sharper than its pixels, a little glare around what is blown out, dark corners.
    exposed = _blur((exposed * balance[:, None, None]).astype(np.float32), 0.6 * scale)
    glare = _blur(np.maximum(exposed - 0.9, 0.0).clip(max=3.0), 9 * scale)
    exposed = exposed + 0.06 * glare
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    r2 = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / ((width**2 + height**2) / 4)
    exposed = exposed * (1.0 - 0.16 * r2 * r2 - 0.05 * r2)
    # Sensor: photon noise grows with the root of the signal, read noise is constant; the
    # camera's own noise reduction leaves it slightly soft.
    rng = np.random.default_rng([seed, 99])
    grain: Array = rng.standard_normal((3, height, width), dtype=np.float32)
    grain = 0.75 * grain + 0.5 * grain.mean(axis=0)
    grain = _blur(grain, 0.55) * 1.6
    deviation = 0.0012 + 0.004 * np.sqrt(np.maximum(exposed, 0.0))
    toned = _tone(np.maximum(exposed + grain * deviation, 0.0), sample.contrast)
    encoded: Array = np.where(
        toned <= 0.0031308, toned * 12.92, 1.055 * np.maximum(toned, 1e-6) ** (1 / 2.4) - 0.055
    ).astype(np.float32)
    encoded = encoded + 0.4 * (encoded - _blur(encoded, 1.1 * max(scale, 0.5)))
    out: Pixels = np.round(np.clip(encoded, 0.0, 1.0) * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(out)


def _tone(x: Array, contrast: float) -> Array:
    """Keep the middle, roll off the highlights, deepen the shadows a little."""
    toe = x * (x + 0.004 * contrast) / (x + 0.018 * contrast)
    knee = np.float32(0.62)
    over = np.maximum(toe - knee, 0.0)
    room = 1.0 - knee
    result: Array = np.where(toe > knee, knee + room * (1.0 - np.exp(-over / room)), toe).astype(
        np.float32
    )
    return result
