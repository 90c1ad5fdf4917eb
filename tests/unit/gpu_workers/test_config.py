"""Settings: what is missing or wrong is named with its cure, before anything starts."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_workers.config import SettingInvalid, config_from_environ
from gpu_workers.logs import LineFormatter

ROOT = Path(__file__).resolve().parents[3]
SMALLEST = {
    "PACKSHOT_REDIS_URL": "redis://localhost:6379/0",
    "PACKSHOT_STORAGE_URL": "file:///srv/media",
}


def test_two_settings_are_enough() -> None:
    config = config_from_environ(SMALLEST)

    assert config.lane == "render-cpu-classical"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", config.worker)
    assert config.worker != config_from_environ(SMALLEST).worker


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PACKSHOT_REDIS_URL", ""),
        ("PACKSHOT_REDIS_URL", "localhost:6379"),
        ("PACKSHOT_REDIS_URL", "redis://host:port/0"),
        ("PACKSHOT_STORAGE_URL", ""),
        ("PACKSHOT_WORKER_NAME", "two words"),
        ("PACKSHOT_WORKER_NAME", "x" * 65),
        ("PACKSHOT_WORKER_CLASS", "tpu"),
        ("PACKSHOT_WORKER_ENGINE", "magic"),
        ("PACKSHOT_WORKER_BEAT_SECONDS", "often"),
        ("PACKSHOT_WORKER_BEAT_SECONDS", "nan"),
        ("PACKSHOT_WORKER_RENDERER", "render"),
        ("PACKSHOT_WORKER_RENDERER", "os.system('x')"),
        ("PACKSHOT_ENGINE_RECYCLE_ORDERS", "0"),
        ("PACKSHOT_ENGINE_MEMORY_BYTES", "3"),
        ("PACKSHOT_DIE_WITH_PARENT", "yes"),
        ("PACKSHOT_FONTS_DIR", "/no/such/folder"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        config_from_environ({**SMALLEST, name: value})


def test_a_wrong_redis_url_does_not_show_its_password() -> None:
    with pytest.raises(SettingInvalid) as caught:
        config_from_environ({**SMALLEST, "PACKSHOT_REDIS_URL": "http://:hush@host/0"})

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PACKSHOT_REDIS_URL": ""}, "PACKSHOT_REDIS_URL is not set"),
        ({"PACKSHOT_STORAGE_URL": "ftp://x"}, "neither file:///absolute/folder nor s3://"),
    ],
)
def test_the_command_answers_a_wrong_setting_with_one_line_and_exit_code_2(
    changes: dict[str, str], sentence: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gpu_workers"],
        cwd=ROOT,
        env={**SMALLEST, **changes},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_importing_the_worker_imports_no_image_library_and_no_django() -> None:
    heavy = {"torch", "cv2", "numpy", "PIL", "scipy", "django", "boto3", "onnxruntime"}
    script = (
        "import sys; import gpu_workers.__main__, gpu_workers.worker, gpu_workers.engine_child;"
        f"print(sorted({heavy} & set(sys.modules)))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ended.stdout.strip() == "[]"


def test_an_event_is_one_line_with_its_facts_even_with_a_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord(
            "gpu_workers.x", logging.ERROR, "f.py", 1, "bad\nthing %s", ("a",), sys.exc_info()
        )
    record.facts = {"batch": "b1", "detail": 'says "no"', "empty": ""}

    line = LineFormatter({"worker": "w1"}).format(record)

    assert "\n" not in line
    assert "ERROR gpu_workers.x bad\\nthing a worker=w1 batch=b1" in line
    assert r'detail="says \"no\"" empty=""' in line
    assert "ValueError: two" in line
