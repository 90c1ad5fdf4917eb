"""Networks of a few nodes, written as ONNX files and loaded as real sessions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu_workers.config import ModelSettings
from gpu_workers.engines.model_registry import digest_of

for needed in ("onnx", "onnxruntime", "rembg"):
    # Found, not imported: rembg ends the process where onnxruntime is missing.
    if not find_spec(needed):
        pytest.skip(f"{needed} is missing: deploy/setup.sh engine", allow_module_level=True)

from onnx import TensorProto, checker, helper, numpy_helper, save  # noqa: E402

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALVES = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def pin(here: ModelSettings, **files: Path) -> None:
    """Say that hand-made files are what stands for models of the table."""
    pins = {name: digest_of(path) for name, path in files.items()}
    (here.folder / "models.json").write_text(json.dumps({"pins": pins}))


def colorfulness(path: Path, *, side: int = 320, mean_std: Any = IMAGENET) -> Path:
    """Answer the colorfulness of each pixel: its range over red, green and blue of 0 to 1."""
    mean, std = mean_std
    nodes = [
        helper.make_node("Mul", ["input", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["unit"]),
        helper.make_node("ReduceMax", ["unit", "channel"], ["most"], keepdims=1),
        helper.make_node("ReduceMin", ["unit", "channel"], ["least"], keepdims=1),
        helper.make_node("Sub", ["most", "least"], ["range"]),
        helper.make_node("Mul", ["range", "gain"], ["strong"]),
        helper.make_node("Clip", ["strong", "zero", "one"], ["out"]),
    ]
    constants = {
        "std": _planes(std),
        "mean": _planes(mean),
        "channel": np.array([1], np.int64),
        "gain": np.float32(4),
        "zero": np.float32(0),
        "one": np.float32(1),
    }
    return _write(path, nodes, constants, side=side, classes=1)


def brightness(path: Path, *, side: int = 320, mean_std: Any = IMAGENET) -> Path:
    """Answer how bright each pixel of the input is, 0 to 1, as the network gets it."""
    mean, std = mean_std
    nodes = [
        helper.make_node("Mul", ["input", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["unit"]),
        helper.make_node("ReduceMean", ["unit", "channel"], ["out"], keepdims=1),
    ]
    constants = {
        "std": _planes(std),
        "mean": _planes(mean),
        "channel": np.array([1], np.int64),
    }
    return _write(path, nodes, constants, side=side, classes=1)


def constant(path: Path, value: float, *, side: int = 320) -> Path:
    """Answer one number everywhere, whatever the photo shows."""
    nodes = [
        helper.make_node("ReduceMean", ["input", "channel"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "value"], ["out"]),
    ]
    constants = {
        "channel": np.array([1], np.int64),
        "zero": np.float32(0),
        "value": np.float32(value),
    }
    return _write(path, nodes, constants, side=side, classes=1)


def clothes(path: Path, *, scores: Sequence[float] = (0.6, 0, 0, 0), side: int = 768) -> Path:
    """Answer four planes of scores: a constant, red, green and blue of -1 to 1, ten times."""
    nodes = [
        helper.make_node("ReduceMean", ["input", "channel"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Concat", ["nothing", "input"], ["four"], axis=1),
        helper.make_node("Add", ["four", "scores"], ["weighed"]),
        helper.make_node("Mul", ["weighed", "gain"], ["out"]),
    ]
    constants = {
        "channel": np.array([1], np.int64),
        "zero": np.float32(0),
        "scores": np.array(scores, np.float32).reshape(1, 4, 1, 1),
        "gain": np.float32(10),
    }
    return _write(path, nodes, constants, side=side, classes=4)


def _planes(values: Sequence[float]) -> Any:
    return np.array(values, np.float32).reshape(1, 3, 1, 1)


def _write(path: Path, nodes: Any, constants: Any, *, side: int, classes: int) -> Path:
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, classes, side, side])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, path)
    return path
