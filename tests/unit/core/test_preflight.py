"""Each thing that prevents a start is one sentence that names the cure."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from apps.core import preflight
from apps.core.preflight import NotReady
from tests.product import ROOT


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(NotReady, match=rf"Port {port} is taken .* PORT={port + 1} make up"):
            preflight.check_port(port)


@pytest.mark.parametrize("port", [0, 70_000])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(NotReady, match=f"PORT={port}"):
        preflight.check_port(port)


def test_a_media_folder_that_cannot_be_used_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")

    with pytest.raises(NotReady, match=r"media .* PACKSHOT_STORAGE_URL"):
        preflight.check_folder(tmp_path / "media", purpose="media", setting="PACKSHOT_STORAGE_URL")


def test_a_redis_that_does_not_answer_names_its_setting() -> None:
    with pytest.raises(NotReady, match="check PACKSHOT_REDIS_URL"):
        preflight.check_redis("redis://127.0.0.1:1/0")


def test_a_second_start_on_one_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "up.pid").write_text(str(os.getppid()))

    with pytest.raises(NotReady, match="already runs"):
        preflight.check_not_running(tmp_path / "up.pid")


def test_the_leavings_of_a_crash_do_not_prevent_a_start(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "up.pid").write_text(str(gone.pid))

    preflight.check_not_running(tmp_path / "up.pid")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PACKSHOT_STORAGE_URL", "ftp://x", "neither file:///folder nor s3://bucket/prefix"),
        ("PACKSHOT_REDIS_URL", "localhost:6379", "write it like redis://"),
        ("PACKSHOT_BASE_URL", "shop.example", "write it like https://"),
        ("PACKSHOT_LEASE_SECONDS", "4", "at least three times PACKSHOT_WORKER_BEAT_SECONDS"),
    ],
)
def test_a_wrong_setting_is_named_with_the_cure(
    tmp_path: Path, variable: str, value: str, words: str
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env={**os.environ, "PACKSHOT_VAR_DIR": str(tmp_path), variable: value},
        capture_output=True,
        text=True,
        check=False,
    )

    (sentence,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert words in sentence
    assert variable in sentence


def test_setup_refuses_an_old_python_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$*" in *version_info*) exit 1;; esac\n')
    old.chmod(0o755)
    copy = tmp_path / "house"
    (copy / "deploy").mkdir(parents=True)
    (copy / "deploy" / "setup.sh").write_bytes((ROOT / "deploy" / "setup.sh").read_bytes())

    done = subprocess.run(
        ["/bin/sh", str(copy / "deploy" / "setup.sh")],
        env={"PATH": f"{tmp_path}:/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
