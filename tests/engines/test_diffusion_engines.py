"""Backdrop generators of every architecture, with tiny random weights.

The pictures are noise; what is tested is everything around the networks.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gpu_workers.engines.backdrop_generator import GenerationCanceled, Sampling, batch_key, batches
from gpu_workers.engines.checkpoints import CHECKPOINTS, find
from gpu_workers.errors import DeviceError, EngineError, ModelMissing, OrderInvalid
from tests.engines.tiny_pipelines import ARCHITECTURES, requests, tiny

torch = pytest.importorskip("torch", reason="the engine packages are not installed")
pytest.importorskip("diffusers", reason="the engine packages are not installed")

# diffusers 0.42 hands tensors to numpy 2 in the old way; that is its to mend.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def engines(load_tiny):
    """Engines by architecture, loaded once and left as they were."""
    loaded = {}

    def engine(architecture):
        if architecture not in loaded:
            loaded[architecture] = load_tiny(architecture)
        return loaded[architecture]

    yield engine
    loaded.clear()
    gc.collect()


def difference(one, other):
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_picture_does_not_depend_on_its_batch(load_tiny, architecture):
    engine = load_tiny(architecture)
    # In float64: what is left is dependence, not the rounding of other kernels.
    engine.pipeline.to(torch.float64)
    asked = requests(engine.checkpoint, 2)
    engine.most_at_once = 2

    together = engine.generate(asked)
    turned = engine.generate(asked[::-1])[::-1]
    engine.most_at_once = 1
    alone = engine.generate(asked)

    assert difference(together, alone) <= 1e-6
    assert difference(together, turned) <= 1e-6


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_on_a_cpu_a_picture_is_bit_for_bit_its_own(engines, architecture):
    engine = engines(architecture)
    asked = requests(engine.checkpoint, 2)

    together = engine.generate(asked)
    alone = [engine.generate([request])[0] for request in asked]

    assert difference(together, alone) == 0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pictures_are_of_the_size_and_range_that_was_asked(engines, architecture):
    engine = engines(architecture)
    asked = requests(engine.checkpoint, 1)

    (picture,) = engine.generate(asked)

    width, height = asked[0].size
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert picture.std() > 0.001


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_seed_and_picture_count(engines, architecture):
    engine = engines(architecture)
    (first,) = requests(engine.checkpoint, 1)
    other_seed = replace(first, seed=first.seed + 1)
    other_picture = replace(first, init=255 - first.init)
    others = [other_seed, other_picture]

    # Tiny and untrained: some of these networks hardly hear the prompt.
    (picture, *changed) = engine.generate([first, *others])

    for each in changed:
        assert difference([picture], [each]) > 1e-4


@pytest.mark.parametrize("architecture", ["sdxl_inpaint", "sdxl_controlnet_inpaint", "qwen_image"])
def test_prompts_count_on_both_sides(engines, architecture):
    engine = engines(architecture)
    (first,) = requests(engine.checkpoint, 1)
    others = [replace(first, prompt="something else"), replace(first, negative="nothing")]

    (picture, *changed) = engine.generate([first, *others])

    for each in changed:
        assert difference([picture], [each]) > 1e-6


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_was_encoded_before_is_not_encoded_again_and_changes_no_bit(load_tiny, architecture):
    from gpu_workers.engines.diffusion.encodings import LIMIT_BYTES

    engine = load_tiny(architecture)
    (asked,) = requests(engine.checkpoint, 1)
    other = replace(asked, seed=77)
    encoders = [engine.pipeline.text_encoder, engine.pipeline.vae.encoder]
    runs = []
    hooks = [each.register_forward_pre_hook(lambda *_: runs.append(1)) for each in encoders]

    def paint(request):
        runs.clear()
        return engine.generate([request])[0], len(runs)

    fresh, first_runs = paint(asked)
    engine.encodings.forget()
    fresh_other, _ = paint(other)
    kept, runs_of_another_seed = paint(asked)
    kept_other, runs_of_the_same = paint(other)
    for hook in hooks:
        hook.remove()

    assert first_runs >= 2
    assert (runs_of_another_seed, runs_of_the_same) == (0, 0)
    assert np.array_equal(kept, fresh)
    assert np.array_equal(kept_other, fresh_other)
    assert difference([fresh], [fresh_other]) > 0
    assert 0 < engine.encodings.size_bytes <= LIMIT_BYTES


@pytest.mark.parametrize("architecture", ["sdxl_inpaint", "qwen_image_edit"])
def test_other_words_and_other_pictures_are_encoded(engines, architecture):
    engine = engines(architecture)
    (asked,) = requests(engine.checkpoint, 1)
    engine.generate([asked])
    known = len(engine.encodings)

    engine.generate([replace(asked, prompt="another")])
    with_words = len(engine.encodings)
    engine.generate([replace(asked, init=asked.init[::-1].copy())])

    assert known < with_words < len(engine.encodings)


def test_encodings_are_kept_within_their_bytes_the_latest_ones_first():
    from gpu_workers.engines.diffusion.encodings import EncodingCache

    cache = EncodingCache(limit_bytes=100)
    cpu, made = torch.device("cpu"), []

    def recall(name, numbers=10):
        def encode():
            made.append(name)
            return [torch.full((numbers,), float(ord(name))), None]

        return cache.recall(name.encode(), cpu, encode)

    for name in "ab":
        recall(name)
    recall("a")[0].zero_()
    recall("c")

    assert (cache.size_bytes, len(cache)) == (80, 2)
    assert recall("a")[0].tolist() == [97.0] * 10
    assert made == ["a", "b", "c"]
    recall("b")
    recall("z", numbers=26)
    assert made == ["a", "b", "c", "b", "z"]
    assert cache.size_bytes == 80


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_step_is_told_and_previews_come_with_the_second_picture(load_tiny, architecture):
    engine = load_tiny(architecture)
    asked = requests(engine.checkpoint, 1)
    first, second = [], []

    engine.generate(asked, watch=lambda step: first.append((step, step.preview(0))))
    engine.generate(asked, watch=lambda step: second.append(step.preview(0)))

    assert [step.number for step, _ in first] == list(range(1, first[0][0].of + 1))
    assert first[-1][0].share == 1
    assert all(step.places == (0,) and preview is None for step, preview in first)
    for preview in second:
        assert preview.dtype == np.uint8
        assert preview.ndim == 3
        assert preview.shape[0] == preview.shape[1] < asked[0].size[0]
    assert len({preview.tobytes() for preview in second}) > 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_canceled_picture_leaves_the_engine_as_it_was(engines, architecture):
    engine = engines(architecture)
    asked = requests(engine.checkpoint, 1)
    before = engine.generate(asked)
    seen = []

    def cancel(step):
        seen.append(step.number)
        raise GenerationCanceled

    with pytest.raises(GenerationCanceled):
        engine.generate(asked, watch=cancel)

    assert seen == [1]
    assert difference(engine.generate(asked), before) == 0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_runs_in_bfloat16(load_tiny, architecture):
    engine = load_tiny(architecture)
    engine.pipeline.to(torch.bfloat16)
    engine.most_at_once = 2

    pictures = engine.generate(requests(engine.checkpoint, 2))

    assert all(np.isfinite(picture).all() for picture in pictures)


def test_pictures_of_other_sizes_and_steps_run_in_batches_of_their_own(engines):
    engine = engines("sdxl_inpaint")
    asked = requests(engine.checkpoint, 4)
    asked[1] = replace(asked[1], sampling=Sampling(2, 5.0, 1.0))
    wide = replace(asked[2], init=asked[2].init[:16], mask=asked[2].mask[:16])
    asked[2] = wide

    assert batches(asked, 8) == [(0, 3), (1,), (2,)]
    assert batches(asked, 1) == [(0,), (3,), (1,), (2,)]
    assert len({batch_key(request) for request in asked}) == 3
    assert [p.shape[:2] for p in engine.generate(asked)] == [(32, 32), (32, 32), (16, 32), (32, 32)]


def short_of_memory(engine, monkeypatch, fits):
    """Let the denoiser run out of memory where `fits` says no to a batch; return the sizes."""
    network = getattr(engine.pipeline, engine.denoiser)
    whole = network.forward
    tried = []

    def forward(sample, *arguments, **named):
        # Two for each picture: with guidance the prompt and its negative run side by side.
        pictures = sample.shape[0] // 2
        tried.append(pictures)
        if not fits(pictures):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(sample, *arguments, **named)

    monkeypatch.setattr(network, "forward", forward)
    return tried


def test_out_of_memory_halves_the_batch_and_remembers(load_tiny, monkeypatch):
    engine = load_tiny("sdxl_inpaint")
    engine.most_at_once = 4
    asked = requests(engine.checkpoint, 4)
    expected = engine.generate(asked)
    tried = short_of_memory(engine, monkeypatch, lambda pictures: pictures <= 2)

    made = engine.generate(asked)

    assert tried[0] == 4
    assert set(tried[1:]) == {2}
    assert engine.most_at_once == 2
    assert difference(made, expected) < 1e-5
    tried.clear()
    engine.generate(asked)
    assert set(tried) == {2}


def test_out_of_memory_with_one_picture_tiles_then_fails_clearly(load_tiny, monkeypatch):
    engine = load_tiny("sdxl_inpaint")
    asked = requests(engine.checkpoint, 1)
    short_of_memory(engine, monkeypatch, lambda _pictures: engine.is_tiled)

    assert len(engine.generate(asked)) == 1
    assert engine.pipeline.vae.use_tiling
    assert engine.version == "sdxl-inpaint/1-tiled"

    short_of_memory(engine, monkeypatch, lambda _pictures: False)
    with pytest.raises(EngineError, match="not even one picture in tiles"):
        engine.generate(asked)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_autoencoder_can_tile(load_tiny, architecture):
    engine = load_tiny(architecture)

    engine._tile()

    assert engine.pipeline.vae.use_tiling
    assert len(engine.generate(requests(engine.checkpoint, 1))) == 1


def test_other_errors_are_not_taken_for_a_lack_of_memory(load_tiny, monkeypatch):
    engine = load_tiny("sdxl_inpaint")

    def broken(*_arguments, **_named):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(engine.pipeline.unet, "forward", broken)

    with pytest.raises(RuntimeError, match="mat1"):
        engine.generate(requests(engine.checkpoint, 1))


def test_a_device_that_broke_is_told_as_such(load_tiny, monkeypatch):
    engine = load_tiny("sdxl_inpaint")

    def broken(*_arguments, **_named):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(engine.pipeline.unet, "forward", broken)

    with pytest.raises(DeviceError, match="illegal memory access"):
        engine.generate(requests(engine.checkpoint, 1))


def test_weights_come_back_from_host_memory_as_they_were(load_tiny):
    engine = load_tiny("flux2_klein")
    asked = requests(engine.checkpoint, 1)
    before = engine.generate(asked)

    for network in (engine.pipeline.transformer, engine.pipeline.vae):
        for parameter in network.parameters():
            parameter.data = torch.zeros_like(parameter.data)
    engine.leave()
    engine.come()

    assert engine.weights.device == torch.device("cpu")
    assert difference(engine.generate(asked), before) == 0


def test_shared_weights_are_counted_once():
    from gpu_workers.engines.diffusion.placement import PlacedWeights

    first, second = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
    second.weight = first.weight

    placed = PlacedWeights([first, second])
    placed.move_to(torch.device("cpu"))

    assert placed.weight_bytes == 4 * 4 * 4
    assert second.weight is first.weight


def test_sizes_and_steps_that_cannot_be_painted_are_refused(engines):
    engine = engines("sdxl_inpaint")
    (request,) = requests(engine.checkpoint, 1)

    with pytest.raises(OrderInvalid, match="paints no 32 x 24 px"):
        engine.generate([replace(request, init=request.init[:24], mask=request.mask[:24])])
    with pytest.raises(OrderInvalid, match="leave nothing to paint"):
        engine.generate([replace(request, sampling=Sampling(1, 5.0, 0.5))])


def test_few_step_checkpoints_keep_their_own_steps():
    turbo = find("z-image-turbo")

    assert Sampling.of(turbo, steps=30, guidance=7.0) == Sampling(8, 0.0, 1.0)
    assert Sampling.of(find("sdxl-inpaint"), steps=12) == Sampling(12, 7.0, 0.99)


def test_files_of_another_architecture_are_refused_with_the_cure(tiny_folder):
    from gpu_workers.engines.diffusion.architectures import engine_class

    with pytest.raises(ModelMissing, match="models fetch qwen-image"):
        engine_class("qwen_image").load(
            tiny("qwen_image"), tiny_folder("z_image"), device=torch.device("cpu")
        )


def test_half_a_file_is_refused_with_the_cure(tiny_folder, tmp_path):
    import shutil

    from gpu_workers.engines.diffusion.architectures import engine_class

    broken = tmp_path / "broken"
    shutil.copytree(tiny_folder("sdxl_inpaint"), broken)
    file = next((broken / "unet").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:100])

    with pytest.raises(ModelMissing, match="cannot be loaded"):
        engine_class("sdxl_inpaint").load(tiny("sdxl_inpaint"), broken, device=torch.device("cpu"))


def test_the_edit_weights_of_2509_are_told_of_numbered_pictures(tiny_folder, small_megapixel):
    from gpu_workers.engines.diffusion.architectures import engine_class

    engine = engine_class("qwen_image_edit").load(
        replace(find("qwen-image-edit-2509"), sizes=((128, 128),)),
        tiny_folder("qwen_image_edit"),
        device=torch.device("cpu"),
    )

    assert "Picture 1: <|vision_start|>" in engine.pipeline.prompt_template_encode
    assert len(engine.generate(requests(engine.checkpoint, 1))) == 1


def test_a_missing_device_is_never_replaced_by_a_slower_one():
    from gpu_workers.engines.diffusion.devices import choose_device

    assert choose_device("cpu").type == "cpu"
    with pytest.raises(DeviceError, match="CUDA devices are visible"):
        choose_device("cuda:63")
    with pytest.raises(DeviceError, match="use auto, cpu or cuda"):
        choose_device("abacus")


def test_there_is_an_engine_for_every_checkpoint():
    from gpu_workers.engines.diffusion.architectures import engine_class

    for checkpoint in CHECKPOINTS:
        assert engine_class(checkpoint.architecture).architecture == checkpoint.architecture
        assert isinstance(checkpoint.folder(Path("x")), Path)
