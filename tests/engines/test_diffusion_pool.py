"""Several engines in one process, a lifestyle picture end to end, a worker's preparation."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from gpu_workers.engines import checkpoints
from gpu_workers.engines.checkpoint_manifest import record
from gpu_workers.engines.diffusion import pool as pools
from gpu_workers.engines.diffusion.pool import EnginePool, PoolSettings
from gpu_workers.errors import DeviceError, ModelMissing, ModelRefused
from gpu_workers.pipelines import painting
from gpu_workers.protocol import OutputSpec, RenderOrder
from gpu_workers.registry import load_renderer
from gpu_workers.scene_spec import builtin_scenes
from tests.engines.tiny_pipelines import requests, shrunk, tiny

torch = pytest.importorskip("torch", reason="the engine packages are not installed")
pytest.importorskip("diffusers", reason="the engine packages are not installed")

# diffusers 0.42 hands tensors to numpy 2 in the old way; that is its to mend.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = ("sdxl-inpaint", "flux2-klein-4b", "z-image-turbo", "qwen-image")


@pytest.fixture
def models(tiny_folder, tmp_path, monkeypatch) -> Path:
    """A folder of models with tiny weights, under the names and terms of the published ones."""
    small = []
    for checkpoint in checkpoints.CHECKPOINTS:
        small.append(shrunk(checkpoint))
        if checkpoint.name in NAMES:
            shutil.copytree(tiny_folder(checkpoint.architecture), checkpoint.folder(tmp_path))
            record(checkpoint.folder(tmp_path), by="first download")
    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tuple(small))
    monkeypatch.setattr(pools, "_open", [])
    return tmp_path


def roomy(models, *, device_budget=10**12, host_budget=10**12, loads=None):
    from gpu_workers.engines.diffusion.architectures import engine_class

    device = torch.device("cpu")

    def load(checkpoint, folder, base):
        if loads is not None:
            loads.append(checkpoint.name)
        return engine_class(checkpoint.architecture).load(
            checkpoint, folder, device=device, base=base
        )

    return EnginePool(
        PoolSettings(models, frozenset(), "sdxl-inpaint", "cpu"),
        device=device,
        device_budget_bytes=device_budget,
        host_budget_bytes=host_budget,
        load=load,
    )


def test_an_engine_is_loaded_once_and_kept(models):
    loads = []
    pool = roomy(models, loads=loads)

    first = pool.generator()
    again = pool.generator("sdxl-inpaint")

    assert first is again
    assert loads == ["sdxl-inpaint"]


def test_the_least_recently_used_leaves_the_device_and_comes_back_from_host_memory(models):
    loads = []
    probe = roomy(models)
    weights = {name: probe.generator(name).weights.weight_bytes for name in NAMES[:3]}
    working = tiny("sdxl_inpaint").working_bytes
    pool = roomy(models, device_budget=sum(weights.values()) + working - 1, loads=loads)
    pool.generator(NAMES[0])
    before = pool.generator(NAMES[1])
    asked = requests(before.checkpoint, 1)
    picture = before.generate(asked)[0]
    pool.generator(NAMES[0])
    pool.generator(NAMES[2])

    assert set(pool.names(on_device=True)) == {NAMES[0], NAMES[2]}
    assert pool.names() == (NAMES[1], NAMES[0], NAMES[2])

    back = pool.generator(NAMES[1])

    assert back is before
    assert loads == list(NAMES[:3])
    assert np.array_equal(back.generate(asked)[0], picture)


def test_host_memory_is_bounded_too(models):
    loads = []
    probe = roomy(models)
    largest = max(probe.generator(name).weights.weight_bytes for name in NAMES[:2])
    pool = roomy(models, host_budget=largest + 1_100_000, loads=loads)

    pool.generator(NAMES[0])
    pool.generator(NAMES[2])
    pool.generator(NAMES[0])

    assert len(pool.names()) < 3
    assert loads.count(NAMES[0]) >= 1


def test_what_cannot_fit_is_refused_before_it_is_read(models):
    loads = []
    pool = roomy(models, device_budget=10_000, loads=loads)

    with pytest.raises(ModelRefused, match="choose a smaller checkpoint"):
        pool.generator("sdxl-inpaint")
    assert loads == []


def test_weights_that_were_changed_are_refused_before_they_are_read(models):
    loads = []
    pool = roomy(models, loads=loads)
    weights = next((models / "diffusion" / "sdxl-inpaint").rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    with pytest.raises(ModelRefused, match=rf"{weights.name} in diffusion/sdxl-inpaint is not"):
        pool.generator("sdxl-inpaint")
    assert loads == []


def test_missing_and_unknown_checkpoints_are_told_apart(models):
    pool = roomy(models)

    with pytest.raises(ModelMissing, match="models fetch sdxl-ecomxl"):
        pool.generator("sdxl-ecomxl")
    with pytest.raises(ModelRefused, match="no checkpoint is called"):
        pool.generator("nobody")


def jar(side=200):
    color = np.full((side, side, 3), (190, 60, 40), np.uint8)
    color[90:130] = (236, 226, 200)
    alpha = np.zeros((side, side), np.uint8)
    cv2.rectangle(alpha, (70, 40), (130, 170), 255, -1)
    file = io.BytesIO()
    Pillow.fromarray(np.dstack([color, cv2.GaussianBlur(alpha, (0, 0), 0.7)])).save(file, "PNG")
    return file.getvalue()


def order(**options):
    scene = builtin_scenes()["bright-kitchen"]
    return RenderOrder(
        work_item="w",
        attempt=1,
        tenant="t",
        kind="lifestyle",
        source_key="photo",
        scene=replace(scene, options=replace(scene.options, steps=3, **options)),
        outputs=(OutputSpec("shop", 96, 96, file_format="PNG"),),
        seed=5,
        result_prefix="",
    )


def test_a_worker_of_the_lane_prepares_and_renders_with_its_own_checkpoint(models, monkeypatch):
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(models))
    monkeypatch.setenv("PACKSHOT_DIFFUSION_CHECKPOINT", "z-image-turbo")
    monkeypatch.setenv("PACKSHOT_DIFFUSION_DEVICE", "cpu")
    files, previews = {}, []

    renderer = load_renderer(engine="diffusion", dotted_name="", threads=1)
    result = renderer(
        order(),
        read=lambda _key: jar(),
        write=files.__setitem__,
        report=lambda *told: previews.extend(told[4:]),
    )

    assert result.engine == "alpha/1 + z-image-turbo/1"
    assert result.fidelity["delta_e_mean"] < 0.5
    assert result.files[0].checks["seeds_tried"] >= 1
    assert Pillow.open(io.BytesIO(files["shop.png"])).size == (96, 96)
    # The picture that warmed the engine taught it to show unfinished ones.
    assert Pillow.open(io.BytesIO(previews[0])).format == "WEBP"


def test_a_worker_of_the_lane_without_weights_is_unfit_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("PACKSHOT_DIFFUSION_DEVICE", "cpu")
    monkeypatch.setattr(pools, "_open", [])

    with pytest.raises(DeviceError, match="models fetch sdxl-ecomxl"):
        painting.prepare()


def test_a_worker_whose_weights_would_outgrow_its_child_is_unfit_and_names_the_variable(
    models, monkeypatch
):
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(models))
    monkeypatch.setenv("PACKSHOT_DIFFUSION_CHECKPOINT", "sdxl-inpaint")
    monkeypatch.setenv("PACKSHOT_DIFFUSION_DEVICE", "cpu")
    monkeypatch.setenv("PACKSHOT_ENGINE_MEMORY_BYTES", str(64 * 1024**2))
    heavy = [replace(each, weight_bytes=10**8) for each in checkpoints.CHECKPOINTS]
    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tuple(heavy))

    with pytest.raises(DeviceError, match="raise PACKSHOT_ENGINE_MEMORY_BYTES"):
        painting.prepare()


def test_importing_the_lane_loads_no_network_library():
    import subprocess
    import sys

    script = (
        "import sys; import gpu_workers.pipelines.painting; "
        "heavy = {'torch', 'diffusers', 'transformers'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def lora_file(models, tensors):
    from safetensors.torch import save_file

    folder = models / "diffusion" / "sdxl-inpaint-lightning"
    folder.mkdir()
    save_file(tensors, folder / checkpoints.LORA_FILE)
    record(folder, by="operator")


@pytest.mark.parametrize("layer", ["attn1.to_q", "attn2.to_out.0", "ff.net.0.proj"])
@pytest.mark.parametrize("names", ["kohya", "peft"])
def test_a_few_step_lora_is_merged_into_its_base(models, layer, names):
    block = "down_blocks.1.attentions.0.transformer_blocks.0"
    pool = roomy(models)
    plain = pool.generator("sdxl-inpaint").pipeline.unet
    weight = plain.get_submodule(f"{block}.{layer}").weight
    generator = torch.Generator().manual_seed(1)
    down = torch.randn(2, weight.shape[1], generator=generator)
    up = torch.randn(weight.shape[0], 2, generator=generator)
    if names == "kohya":
        prefix = f"lora_unet_{block}.{layer}".replace(".", "_")
        sides = {f"{prefix}.lora_down.weight": down, f"{prefix}.lora_up.weight": up}
        lora_file(models, {**sides, f"{prefix}.alpha": torch.tensor(4.0)})
    else:
        prefix = f"unet.{block}.{layer}"
        lora_file(models, {f"{prefix}.lora_A.weight": down, f"{prefix}.lora_B.weight": 2 * up})

    fast = pool.generator("sdxl-inpaint-lightning").pipeline

    merged = fast.unet.get_submodule(f"{block}.{layer}").weight
    assert torch.allclose(merged, weight + 4.0 / 2 * up @ down, atol=1e-5)
    assert fast.scheduler.config.timestep_spacing == "trailing"
    untouched = f"{block}.attn1.to_k"
    assert torch.equal(
        fast.unet.get_submodule(untouched).weight, plain.get_submodule(untouched).weight
    )


def test_a_lora_for_another_network_is_refused(models):
    from gpu_workers.errors import EngineError

    stranger = "unet.down_blocks.7.nowhere.to_q"
    lora_file(
        models,
        {
            f"{stranger}.lora_A.weight": torch.zeros(2, 8),
            f"{stranger}.lora_B.weight": torch.zeros(8, 2),
        },
    )

    with pytest.raises(EngineError, match="does not fit this UNet"):
        roomy(models).generator("sdxl-inpaint-lightning")
