"""The measuring of networks, with tiny ones; no times are asserted."""

from __future__ import annotations

import json
import shutil
import tempfile

import pytest

from gpu_workers.__main__ import main

torch = pytest.importorskip("torch", reason="the engine packages are not installed")
pytest.importorskip("diffusers", reason="the engine packages are not installed")

# diffusers 0.42 hands tensors to numpy 2 in the old way; that is its to mend.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TINY = ["bench", "diffusion", "--tiny", "--device", "cpu", "--size", "32", "--steps", "2"]


def test_every_figure_is_measured_and_the_sums_agree(capsys):
    assert main([*TINY, "--batch", "1", "2", "--json"]) == 0

    (figures,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert figures["architecture"] == "sdxl_inpaint"
    assert figures["ceiling_tflops"] > 0
    assert figures["step_tflop_per_image"] > 0
    assert figures["cold_load_seconds"] > 0
    assert figures["first_image_seconds"] > 0
    assert figures["parameters"] > 100_000
    assert [each["batch"] for each in figures["batches"]] == [1, 2]
    for each in figures["batches"]:
        rate = each["batch"] / each["seconds"]
        assert each["images_per_second"] == pytest.approx(rate, rel=0.01)
        achieved = figures["step_tflop_per_image"] * each["batch"] / each["step_seconds"]
        assert each["achieved_tflops"] == pytest.approx(achieved, rel=0.02)
        assert each["peak_memory_mib"] is None
        assert each["at_once"] == each["batch"]
    first, second = figures["batches"]
    gain = second["images_per_second"] / first["images_per_second"]
    assert (first["gain"], second["gain"]) == (1.0, pytest.approx(gain, rel=0.01))


def test_a_disk_without_room_for_the_weights_is_told_before_they_are_made(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    full = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: full)

    assert main(["bench", "diffusion", "--device", "cpu"]) == 1

    said = capsys.readouterr().err
    assert "takes 7 GB" in said
    assert "TMPDIR" in said


def test_the_table_is_for_people(capsys):
    assert main([*TINY, "--architecture", "flux2_klein", "--batch", "1"]) == 0

    told = capsys.readouterr().out
    assert told.startswith("flux2_klein on CPU")
    assert "images/s" in told


def test_counted_operations_are_those_of_one_step(load_tiny):
    from gpu_workers.bench_diffusion import step_flops
    from tests.engines.tiny_pipelines import requests

    engine = load_tiny("sdxl_inpaint")
    (asked,) = requests(engine.checkpoint, 1)

    from torch.utils.flop_counter import FlopCounterMode

    unet = engine.pipeline.unet
    added = {"text_embeds": torch.zeros(2, 32), "time_ids": torch.zeros(2, 6)}
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        # Two for one picture: the prompt and its negative.
        unet(
            torch.zeros(2, 9, 16, 16),
            torch.tensor(1),
            torch.zeros(2, 77, 64),
            added_cond_kwargs=added,
        )

    assert step_flops(engine, [asked]) == counter.get_total_flops()
    assert "forward" not in vars(unet)


@pytest.mark.parametrize(
    ("architecture", "network", "billions"),
    [
        ("sdxl_inpaint", "unet", 2.567),
        ("sdxl_controlnet_inpaint", "controlnet", 1.251),
        ("flux2_klein", "transformer", 3.876),
        ("z_image", "transformer", 6.155),
        ("qwen_image", "transformer", 20.43),
    ],
)
def test_full_sizes_have_the_published_number_of_parameters(architecture, network, billions):
    from gpu_workers.engines.checkpoints import CHECKPOINTS
    from gpu_workers.engines.diffusion.random_weights import build

    pipeline = build(architecture, tiny=False, device="meta", dtype=torch.bfloat16)

    counts = {
        name: sum(each.numel() for each in part.parameters())
        for name, part in pipeline.components.items()
        if isinstance(part, torch.nn.Module)
    }
    assert counts[network] / 1e9 == pytest.approx(billions, rel=2e-3)
    known = next(each for each in CHECKPOINTS if each.architecture == architecture)
    assert known.weight_bytes == pytest.approx(2 * sum(counts.values()), rel=0.02)


@pytest.mark.parametrize(
    "wrong", [["--size", "100"], ["--batch", "0"], ["--steps", "0"]], ids=lambda each: each[0]
)
def test_what_cannot_be_measured_is_said_at_once(wrong, capsys):
    assert main(["bench", "diffusion", "--tiny", *wrong]) == 2
    assert "multiple of 32" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_named(capsys):
    assert main(["bench", "diffusion", "--tiny", "--device", "cuda:63"]) == 1
    assert "cuda:63 is not there" in capsys.readouterr().err
