"""CPU seconds of processes and all their children, also of those that have ended."""

from __future__ import annotations

import psutil


def tree_seconds(pid: int) -> float:
    """Return the user and system seconds of a process and its children; 0 if it is gone."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_seconds(process) for process in tree)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # Those of ended children are in the parent's account, those of living ones in their own.
    return float(times.user + times.system + times.children_user + times.children_system)
