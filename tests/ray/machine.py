"""One machine of a Ray cluster, for tests: ``python machine.py SETTINGS`` with settings as JSON.

It starts the processes of one Ray node, says ``UP``, and ends them all when its standard input
closes, so that no cluster outlives its test. ``ray start`` does the same for people, but refuses
to restart a head on a host where another node still runs, and here all machines share one host.
"""

import json
import os
import sys

from ray._private.node import Node
from ray._private.parameter import RayParams


def main() -> None:
    settings = json.loads(sys.argv[1])
    is_head = settings.pop("is_head")
    node = Node(
        RayParams(
            object_store_memory=80_000_000,
            include_dashboard=False,
            include_log_monitor=False,
            min_worker_port=0,
            max_worker_port=0,
            **settings,
        ),
        head=is_head,
        shutdown_at_exit=False,
        spawn_reaper=False,
    )
    print("UP", flush=True)
    sys.stdin.read()
    node.kill_all_processes(check_alive=False, allow_graceful=False)
    os._exit(0)


if __name__ == "__main__":
    main()
