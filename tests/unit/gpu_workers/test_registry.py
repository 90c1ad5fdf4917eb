"""Finding the render function, and the calibrated one's promises."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from gpu_workers import calibrated
from gpu_workers.errors import DeviceError
from gpu_workers.protocol import OutputSpec, result_from_json
from gpu_workers.registry import load_renderer
from tests.fakes.orders import order


def test_the_classical_engine_renders_through_the_pipelines() -> None:
    from gpu_workers.pipelines import runner

    assert load_renderer(engine="classical", dotted_name="", threads=1) is runner.render


def test_a_named_renderer_goes_before_the_engines_own() -> None:
    name = "gpu_workers.calibrated.render"

    assert load_renderer(engine="classical", dotted_name=name, threads=1) is calibrated.render


@pytest.mark.parametrize(
    ("engine", "name", "reason"),
    [
        ("hologram", "", "no renderer for engine 'hologram'"),
        ("classical", "gpu_workers.nowhere.render", "No module named"),
        ("classical", "gpu_workers.calibrated.nothing", "no attribute 'nothing'"),
    ],
)
def test_a_renderer_that_is_not_there_makes_the_device_unfit(
    engine: str, name: str, reason: str
) -> None:
    with pytest.raises(DeviceError, match=reason):
        load_renderer(engine=engine, dotted_name=name, threads=1)


def test_the_calibrated_renderer_writes_real_pictures_and_a_true_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(calibrated.time, "sleep", slept.append)
    monkeypatch.setenv("PACKSHOT_CALIBRATED_SECONDS", "2")
    stored: dict[str, bytes] = {}
    shares: list[float] = []
    one = order("a", outputs=(OutputSpec("web", 64, 64), OutputSpec("market", 64, 64)))

    result = calibrated.render(
        one,
        read=stored.__getitem__,
        write=stored.__setitem__,
        report=lambda step, steps, label, share: shares.append(share),
    )

    assert slept == [0.5] * 4
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert [file.name for file in result.files] == ["preview", "web", "market"]
    for file in result.files:
        body = stored[file.object_key]
        with Image.open(io.BytesIO(body)) as picture:
            picture.load()
            assert picture.size == (file.width_px, file.height_px)
            assert picture.format == file.file_format
        assert (file.size_bytes, file.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert result_from_json(result.to_json()) == result
