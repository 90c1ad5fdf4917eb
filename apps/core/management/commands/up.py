"""Run the whole product on this machine: one supervised tree of processes, one Ctrl-C."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

from apps.core import embedded_redis, preflight
from apps.core.supervisor import GaveUp, Program, Supervisor
from config.env import ROOT

_READY_WITHIN_SECONDS = 60.0


class Command(BaseCommand):
    """Check, migrate, start everything, print the address and how to sign in."""

    help = "Run Packshot on this machine: Redis, web, conductor, chores and render workers."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django reads a class attribute

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer the few knobs; each has an environment variable of the same meaning."""
        parser.add_argument("--port", type=int, default=_whole_number("PORT", 8000))
        parser.add_argument(
            "--workers",
            type=int,
            default=_whole_number("PACKSHOT_WORKERS", 0),
            help="a fixed number of render workers; default: as many as the demand needs, "
            "one for each CPU or GPU at most",
        )
        parser.add_argument("--no-demo", action="store_true", help="do not seed a demo workspace")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C or SIGTERM."""
        try:
            fleet, workers = choose_fleet(options["workers"])
            _Tree(
                port=options["port"], fleet=fleet, workers=workers, demo=not options["no_demo"]
            ).run()
        except (preflight.NotReady, embedded_redis.RedisMissing, GaveUp) as error:
            raise CommandError(str(error)) from error


class _Tree:
    """The process tree of one machine."""

    def __init__(self, *, port: int, fleet: str, workers: int, demo: bool) -> None:
        self.port = port
        self.fleet = fleet
        self.workers = workers
        self.demo = demo
        self.url = f"http://127.0.0.1:{port}"
        self.var: Path = settings.VAR_DIR
        self.redis_url = os.environ.get("PACKSHOT_REDIS_URL", "")
        self.pid_file = self.var / "up.pid"
        self.state_file = self.var / "up.json"
        self.seeded: dict[str, str] = {}
        self.supervisor = Supervisor(self.var / "logs", _say)

    def run(self) -> None:
        self._preflight()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.supervisor.request_stop())
        self.pid_file.write_text(str(os.getpid()), encoding="ascii")
        try:
            self._start()
            if self._wait_until_ready():
                self._announce()
                self.supervisor.run(on_change=self._write_state)
        finally:
            _say("up", "stopping")
            self.supervisor.stop()
            self.state_file.unlink(missing_ok=True)
            self.pid_file.unlink(missing_ok=True)

    def _preflight(self) -> None:
        preflight.check_python()
        preflight.check_folder(self.var, purpose="data", setting="PACKSHOT_VAR_DIR")
        preflight.check_not_running(self.pid_file)
        preflight.check_disk(self.var)
        if settings.STORAGE_URL.startswith("file://"):
            media = Path(settings.STORAGE_URL.removeprefix("file://"))
            preflight.check_folder(media, purpose="media", setting="PACKSHOT_STORAGE_URL")
        preflight.check_port(self.port)
        if self.redis_url:
            preflight.check_redis(self.redis_url)

    def _start(self) -> None:
        if not self.redis_url:
            self._start_redis()
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            raise preflight.NotReady(
                f"The database cannot be used ({str(error).strip()}); check DATABASE_URL."
            ) from error
        finally:
            connection.close()
        environ = self._environ()
        python = sys.executable
        manage = [python, str(ROOT / "manage.py")]
        self.supervisor.add(
            Program(
                "web",
                [
                    *(python, "-m", "uvicorn", "config.asgi:application"),
                    *("--host", "127.0.0.1", "--port", str(self.port), "--lifespan", "off"),
                    *("--no-access-log", "--log-level", "warning", "--ws-max-size", "65536"),
                    *("--timeout-graceful-shutdown", "3"),
                ],
                environ,
                stop_seconds=5,
            )
        )
        self.supervisor.add(Program("conductor", [*manage, "conduct"], environ))
        self.supervisor.add(Program("chores", [*manage, "chores"], environ))
        self._start_workers(environ)
        retouch = [python, "-m", "gpu_workers", "retouch"]
        self.supervisor.add(Program("retouch", retouch, environ, stop_seconds=5, stage="workers"))
        if self.demo:
            self._seed(manage, environ)

    def _start_workers(self, environ: dict[str, str]) -> None:
        command = [sys.executable, "-m", "gpu_workers"]
        grace = float(environ["PACKSHOT_WORKER_GRACE_SECONDS"])
        if self.fleet == "local":
            serve = [*command, "serve", str(self.var / "fleet")]
            self.supervisor.add(Program("fleet", serve, environ, stop_seconds=grace + 8))
        elif self.fleet == "static":
            for number in range(1, self.workers + 1):
                self.supervisor.add(
                    Program(
                        f"worker-{number}",
                        command,
                        environ,
                        stop_seconds=grace + 5,
                        stage="workers",
                    )
                )

    def _start_redis(self) -> None:
        binary = embedded_redis.find_binary()
        port, password = embedded_redis.free_port(), secrets.token_urlsafe(24)
        folder = self.var / "redis"
        folder.mkdir(exist_ok=True)
        durable = os.environ.get("PACKSHOT_REDIS_DURABLE", "1") != "0"
        self.supervisor.add(
            Program(
                "redis",
                embedded_redis.command(
                    binary, port=port, folder=folder, password=password, durable=durable
                ),
            )
        )
        self.redis_url = f"redis://:{password}@127.0.0.1:{port}/0"
        if not embedded_redis.answers(self.redis_url, within_seconds=10):
            raise embedded_redis.RedisMissing(
                f"{binary} does not answer; see {self.var}/logs/redis.log"
            )

    def _environ(self) -> dict[str, str]:
        return {
            "PORT": str(self.port),
            "PACKSHOT_BASE_URL": os.environ.get("PACKSHOT_BASE_URL", self.url),
            "PACKSHOT_VAR_DIR": str(self.var),
            "PACKSHOT_REDIS_URL": self.redis_url,
            "PACKSHOT_STORAGE_URL": settings.STORAGE_URL,
            "PACKSHOT_FLEET": self.fleet,
            "PACKSHOT_DIE_WITH_PARENT": "1",
            # Someone who presses Ctrl-C waits; what is not finished is handed back uncounted.
            "PACKSHOT_WORKER_GRACE_SECONDS": os.environ.get("PACKSHOT_WORKER_GRACE_SECONDS", "3"),
            "PYTHONUNBUFFERED": "1",
        }

    def _seed(self, manage: list[str], environ: dict[str, str]) -> None:
        done = subprocess.run(  # noqa: S603 - our own command
            [*manage, "seed_demo", "--json"],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise preflight.NotReady(f"The demo workspace cannot be made:\n{done.stderr.strip()}")
        self.seeded = json.loads(done.stdout.strip().splitlines()[-1])

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + _READY_WITHIN_SECONDS
        while not self.supervisor.is_stopping:
            self.supervisor.watch_once()
            health = _health(self.url)
            if health.get("ready") and health.get("workers", 0) >= self.workers:
                return True
            if time.monotonic() > deadline:
                raise preflight.NotReady(
                    f"Not everything came up within {_READY_WITHIN_SECONDS:.0f} s "
                    f"({health or 'the web does not answer'}); see {self.var}/logs."
                )
            time.sleep(0.05)
        return False

    def _announce(self) -> None:
        self._write_state()
        if self.seeded:
            _say("up", f"sign in once with  {self.seeded['login_url']}")
            _say("up", f"or as {self.seeded['email']} with password {self.seeded['password']}")
        _say("up", f"data, logs and the key for the API are in {self.var}")
        print(f"READY {self.url}", flush=True)

    def _write_state(self) -> None:
        state = {
            "url": self.url,
            "login_url": self.seeded.get("login_url", ""),
            "api_key": self.seeded.get("api_key", ""),
            "redis_url": self.redis_url,
            "pids": {"up": os.getpid(), **self.supervisor.pids()},
        }
        fresh = self.state_file.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
        fresh.replace(self.state_file)


def choose_fleet(workers: int) -> tuple[str, int]:
    """Return which fleet to run, and how many workers must be ready before the product is."""
    fleet = os.environ.get("PACKSHOT_FLEET") or ("static" if workers else "local")
    if workers < 0:
        raise preflight.NotReady("PACKSHOT_WORKERS must be 1 or more.")
    if workers and fleet != "static":
        raise preflight.NotReady(
            f"PACKSHOT_WORKERS={workers} is a fixed number, and PACKSHOT_FLEET={fleet} follows the "
            "demand: leave one of the two unset, or bound the fleet by PACKSHOT_MAX_WORKERS."
        )
    if fleet == "static":
        return fleet, workers or os.cpu_count() or 1
    # The machines of another fleet come when they come: the product is ready to take orders.
    return fleet, sum(settings.MIN_WORKERS.values()) if fleet == "local" else 0


def _whole_number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise CommandError(f"{name}={text!r} is not a whole number.") from None


def _health(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310 - http only
            body: dict[str, Any] = json.load(answer)
            return body
    except urllib.error.HTTPError as error:
        return {"status": error.code}
    except (OSError, ValueError):
        return {}


def _say(name: str, text: str) -> None:
    print(f"{name:>10} │ {text}", flush=True)
