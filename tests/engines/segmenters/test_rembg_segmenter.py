"""Hand-made networks as real sessions of rembg behind the protocol of segmenters."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from gpu_workers.__main__ import main
from gpu_workers.engines import classical_segmenter, onnx_session
from gpu_workers.engines.model_registry import digest_of, model_named
from gpu_workers.engines.onnx_session import exposed, foreground, open_session
from gpu_workers.engines.rembg_segmenter import rembg_segmenter
from gpu_workers.engines.segmenter import load_default, segmenter_named
from gpu_workers.errors import (
    DeviceError,
    EngineError,
    ModelMissing,
    ModelRefused,
    SourceUnusable,
)
from tests.engines.segmenters import networks

U2NETP = "u2netp.onnx"


def red_on_grey(width=400, height=300):
    """A red disc on a grey wall: what is colorful is the product."""
    photo = np.full((height, width, 3), 190, np.uint8)
    noise = np.random.default_rng(5).integers(-2, 3, photo.shape)
    photo = np.clip(photo + noise, 0, 255).astype(np.uint8)
    cv2.circle(photo, (width // 2, height // 2), height // 3, (190, 30, 40), -1, cv2.LINE_AA)
    return photo


def disc(width=400, height=300):
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (width // 2, height // 2), height // 3, 1, -1)
    return mask.astype(bool)


def overlap(matte, mask):
    found = matte > 0.5
    return (found & mask).sum() / (found | mask).sum()


@pytest.fixture
def colorful(here):
    """The settings of a machine on which u2netp is a network that finds what is colorful."""
    networks.pin(here, u2netp=networks.colorfulness(here.folder / U2NETP))
    return here


def test_a_network_cuts_out_with_the_houses_edge(colorful):
    photo = red_on_grey()

    cutout = rembg_segmenter("u2netp", colorful).segment(photo)

    assert overlap(cutout.matte, disc()) > 0.97
    assert cutout.confidence > 0.8
    # Opaque pixels are the photo's own, and the soft edge holds no grey of the wall.
    inside = cutout.matte == 1
    np.testing.assert_array_equal(cutout.color[inside], classical_color(photo)[inside])
    edge = (cutout.matte > 0.2) & (cutout.matte < 0.8)
    assert edge.sum() > 60
    assert np.median(cutout.color[edge][:, 1]) < 0.1


def classical_color(photo):
    return classical_segmenter.segment(photo).color


def test_the_record_names_the_weights(colorful):
    segmenter = rembg_segmenter("u2netp", colorful)

    assert segmenter.version == f"rembg:u2netp/{digest_of(colorful.folder / U2NETP)[:12]}"


def test_the_same_photo_gives_the_same_cutout(colorful):
    photo = red_on_grey()
    first = rembg_segmenter("u2netp", colorful).segment(photo)
    again = rembg_segmenter("u2netp", replace(colorful, threads=2)).segment(photo)

    np.testing.assert_array_equal(first.matte, again.matte)
    np.testing.assert_array_equal(first.color, again.color)


def test_steps_are_told_in_order(colorful):
    told = []

    rembg_segmenter("u2netp", colorful).segment(
        red_on_grey(), report=lambda step, share: told.append((share, step))
    )

    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1] == (1.0, "Cutout done")


def test_a_network_is_loaded_by_its_first_photo_and_once(colorful, monkeypatch):
    opened = []

    def counted(*arguments):
        opened.append(arguments)
        return open_session(*arguments)

    monkeypatch.setattr("gpu_workers.engines.rembg_segmenter.open_session", counted)
    segmenter = rembg_segmenter("u2netp", colorful)
    assert opened == []

    segmenter.segment(red_on_grey())
    segmenter.segment(red_on_grey())

    assert len(opened) == 1


def test_a_flat_picture_is_refused_before_a_network_divides_by_nothing(colorful):
    with pytest.raises(SourceUnusable, match="even color"):
        rembg_segmenter("u2netp", colorful).segment(np.full((200, 200, 3), 128, np.uint8))


def test_a_network_that_finds_nothing_says_so(here):
    networks.constant(here.folder / "mine.onnx", 0.0)
    own(here, "mine.onnx")

    with pytest.raises(SourceUnusable, match="finds no product"):
        rembg_segmenter("custom:mine", here).segment(red_on_grey())


@pytest.mark.parametrize(("value", "most"), [(1.0, 0.3), (0.6, 0.05)])
def test_a_network_that_sees_product_everywhere_is_doubted(here, value, most):
    networks.constant(here.folder / "mine.onnx", value)
    own(here, "mine.onnx")

    assert rembg_segmenter("custom:mine", here).segment(red_on_grey()).confidence < most


def test_a_network_that_sees_another_thing_than_the_classical_guess_is_doubted(here):
    """A bright lamp beside the product: the network takes it, the classical guess does not."""
    photo = red_on_grey()
    photo[20:80, 15:85] = 255
    networks.pin(here, u2netp=networks.brightness(here.folder / U2NETP))

    assert rembg_segmenter("u2netp", here).segment(photo).confidence < 0.6


def test_a_glint_does_not_decide_what_a_network_sees(here):
    dark = (red_on_grey() * 0.4).astype(np.uint8)
    glint = dark.copy()
    glint[3:5, 3:5] = 255
    networks.pin(here, u2netp=networks.brightness(here.folder / U2NETP))
    model = model_named("u2netp", here)
    session = open_session(model, here.folder / U2NETP, here)

    plain, shining = (foreground(session, photo, None) for photo in (dark, glint))

    assert np.abs(plain - shining)[30:].max() < 0.05
    assert np.percentile(exposed(dark), 99.9) >= 254


def test_the_operators_own_network_is_asked_as_its_entry_says(here):
    networks.colorfulness(here.folder / "mine.onnx", side=256, mean_std=networks.HALVES)
    own(here, "mine.onnx", input_px=256, mean=[0.5] * 3, std=[0.5] * 3)

    cutout = rembg_segmenter("custom:mine", here).segment(red_on_grey())

    assert overlap(cutout.matte, disc()) > 0.97


def own(here, file_name, **entry):
    entry = {
        "file": file_name,
        "sha256": digest_of(here.folder / file_name),
        "input_px": 320,
        **entry,
    }
    (here.folder / "models.json").write_text(json.dumps({"custom": {"mine": entry}}))


def test_a_network_of_another_form_is_told_from_a_bad_photo(here):
    networks.colorfulness(here.folder / "mine.onnx", side=320)
    own(here, "mine.onnx", input_px=256)

    with pytest.raises(EngineError, match="the network failed"):
        rembg_segmenter("custom:mine", here).segment(red_on_grey())


def test_a_session_is_bounded_and_on_the_cpu(colorful):
    model = model_named("u2netp", colorful)
    session = open_session(model, colorful.folder / U2NETP, replace(colorful, threads=2))

    options = session.inner_session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
    assert not options.enable_cpu_mem_arena
    assert not options.enable_mem_pattern
    assert session.inner_session.get_providers() == ["CPUExecutionProvider"]


def test_the_session_is_rembgs_own_class_with_our_file(colorful):
    from rembg.sessions import sessions

    model = model_named("u2netp", colorful)
    session = open_session(model, colorful.folder / U2NETP, colorful)

    assert isinstance(session, sessions["u2netp"])


def test_a_gpu_that_is_not_there_is_an_error_and_not_a_slow_cpu(colorful):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")

    with pytest.raises(DeviceError, match="onnxruntime-gpu"):
        rembg_segmenter("u2netp", replace(colorful, device="cuda")).segment(red_on_grey())


def test_a_gpu_that_fell_back_to_the_cpu_is_an_error(colorful, monkeypatch):
    """onnxruntime lists CUDA where its libraries cannot be loaded, and goes on with the CPU."""
    real, sessions = onnx_session._libraries()

    class Boastful:
        def __getattr__(self, name):
            return getattr(real, name)

        def get_available_providers(self):
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    class FellBack:
        def __init__(self, *_arguments, providers):
            assert providers == ["CUDAExecutionProvider"]
            self.inner_session = SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])

    monkeypatch.setattr(onnx_session, "_libraries", lambda: (Boastful(), sessions))
    monkeypatch.setitem(sessions.sessions, "u2netp", FellBack)

    with pytest.raises(DeviceError, match="loaded onto CPUExecutionProvider"):
        rembg_segmenter("u2netp", replace(colorful, device="cuda")).segment(red_on_grey())


def test_a_file_that_is_no_network_is_named(here):
    here.folder.mkdir(parents=True)
    (here.folder / U2NETP).write_bytes(b"no network at all")
    networks.pin(here, u2netp=here.folder / U2NETP)

    with pytest.raises(ModelMissing, match="u2netp cannot be loaded"):
        rembg_segmenter("u2netp", here).segment(red_on_grey())


def test_a_file_with_another_checksum_is_never_loaded(colorful):
    with (colorful.folder / U2NETP).open("ab") as file:
        file.write(b"\0")

    with pytest.raises(ModelMissing, match="not the file that its checksum names"):
        rembg_segmenter("u2netp", colorful)


@pytest.mark.parametrize("name", ["bria-rmbg", "withoutbg", "atlascloud", "u2net"])
def test_what_the_operator_has_not_allowed_is_refused(here, name):
    with pytest.raises(ModelRefused, match=f"PACKSHOT_ALLOW_MODELS={name}"):
        rembg_segmenter(name, here)


def test_a_service_that_is_allowed_wants_its_key_and_is_not_asked_without(here, monkeypatch):
    monkeypatch.delenv("WITHOUTBG_API_KEY", raising=False)
    segmenter = rembg_segmenter("withoutbg", replace(here, allowed=frozenset({"withoutbg"})))
    assert segmenter.version == "rembg:withoutbg/service"

    with pytest.raises(ModelMissing, match="WITHOUTBG_API_KEY"):
        segmenter.segment(red_on_grey())


def test_a_network_for_garments_is_no_segmenter(here):
    with pytest.raises(ModelRefused, match="no segmenter"):
        rembg_segmenter("u2net_cloth_seg", here)


def test_names_lead_to_networks_and_auto_to_the_operators(colorful):
    environ = {
        "PACKSHOT_MODELS_DIR": str(colorful.folder),
        "PACKSHOT_ALLOW_MODELS": "u2netp",
        "PACKSHOT_SEGMENTER": "rembg:u2netp",
    }

    by_name = segmenter_named("rembg:u2netp", environ)

    assert by_name.version.startswith("rembg:u2netp/")
    assert segmenter_named("auto", environ) is by_name
    assert segmenter_named("classical", environ).version == classical_segmenter.VERSION


def test_a_configured_network_that_is_missing_is_not_replaced(tmp_path):
    environ = {"PACKSHOT_MODELS_DIR": str(tmp_path), "PACKSHOT_SEGMENTER": "rembg:birefnet-general"}

    with pytest.raises(ModelMissing, match=r"manage\.py models fetch birefnet-general"):
        segmenter_named("auto", environ)


def test_the_default_network_is_loaded_before_the_first_order(colorful, monkeypatch):
    opened = []

    def counted(*arguments):
        opened.append(arguments[0].name)
        return open_session(*arguments)

    monkeypatch.setattr("gpu_workers.engines.rembg_segmenter.open_session", counted)
    environ = {
        "PACKSHOT_MODELS_DIR": str(colorful.folder),
        "PACKSHOT_ALLOW_MODELS": "u2netp",
        "PACKSHOT_SEGMENTER": "rembg:u2netp",
    }

    load_default(environ)
    segmenter_named("auto", environ).segment(red_on_grey())

    assert opened == ["u2netp"]


def test_a_default_that_is_missing_spoils_orders_and_not_the_worker(tmp_path, caplog):
    environ = {"PACKSHOT_MODELS_DIR": str(tmp_path), "PACKSHOT_SEGMENTER": "rembg:birefnet-general"}

    load_default(environ)

    assert "not ready" in caplog.text


def test_files_are_cut_out_by_a_network_from_the_command_line(
    colorful, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(colorful.folder))
    monkeypatch.setenv("PACKSHOT_ALLOW_MODELS", "u2netp")
    Image.fromarray(red_on_grey()).save(tmp_path / "disc.png")

    files = [str(tmp_path / "disc.png"), "--out", str(tmp_path / "made")]
    code = main(["render", "cutout", *files, "--engine", "rembg:u2netp", "--json"])

    row = json.loads(capsys.readouterr().out)
    assert code == 0
    assert row["engine"] == segmenter_named("rembg:u2netp").version
    with Image.open(row["output"]) as made:
        assert overlap(np.asarray(made.getchannel("A")) / 255, disc()) > 0.97


def test_without_onnxruntime_the_process_lives_on_and_says_what_to_install(colorful):
    """rembg calls sys.exit; looked at in a process of its own that hides the package."""
    program = f"""
import sys
from dataclasses import replace
from pathlib import Path
sys.modules["onnxruntime"] = None
from gpu_workers.config import model_settings_from_environ
from gpu_workers.engines.rembg_segmenter import rembg_segmenter
from gpu_workers.errors import DeviceError
import numpy as np
photo = np.random.default_rng(0).integers(0, 255, (90, 90, 3)).astype(np.uint8)
here = model_settings_from_environ({{
    "PACKSHOT_MODELS_DIR": {str(colorful.folder)!r}, "PACKSHOT_ALLOW_MODELS": "u2netp"}})
try:
    rembg_segmenter("u2netp", here).segment(photo)
except DeviceError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "deploy/setup.sh engine" in done.stdout


def test_naming_a_network_imports_none(colorful):
    program = """
import sys
from gpu_workers.engines.segmenter import load_default, segmenter_named
segmenter_named("rembg:u2netp")
print(sorted({"rembg", "onnxruntime", "numba"} & set(sys.modules)))
"""
    environ = {
        "PACKSHOT_MODELS_DIR": str(colorful.folder),
        "PACKSHOT_ALLOW_MODELS": "u2netp",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ
    )

    assert find_spec("rembg")
    assert done.stdout.strip() == "[]"
