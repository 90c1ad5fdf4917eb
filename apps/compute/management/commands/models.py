"""List, verify, fetch and pin the trained networks of this machine."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.compute import wire

_SHOWN_EVERY_BYTES: Final = 4 * 1024 * 1024
_STATES: Final = {
    "ready": "ready",
    "missing": "missing",
    "unverified": "not verified",
    "unpinned": "no checksum",
    "damaged": "WRONG FILE",
    "not_allowed": "not allowed",
}


class Command(BaseCommand):
    """Four words over the models folder: list, verify, fetch, pin."""

    help = "List, verify, fetch and pin trained networks. Packshot brings none and works without."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django reads a class attribute

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer the four words."""
        words = parser.add_subparsers(dest="word", required=True, metavar="list|verify|fetch|pin")
        listing = words.add_parser("list", help="show every model, its terms and its state")
        listing.add_argument("--json", action="store_true", help="one line of JSON each")
        verifying = words.add_parser("verify", help="read files in full and check their SHA-256")
        verifying.add_argument("name", nargs="?", default="", help="one model; all if left out")
        fetching = words.add_parser("fetch", help="download a model; goes on where it broke off")
        fetching.add_argument("name", help="as the list shows it")
        fetching.add_argument(
            "--yes", action="store_true", help="do not ask, having read its terms"
        )

        pinning = words.add_parser("pin", help="record a checkpoint's files as those to hold it to")
        pinning.add_argument("name", help="a checkpoint that was put into its folder by hand")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked; exit with status 1 if a file is wrong or does not come."""
        try:
            settings = wire.model_settings_from_environ()
            if options["word"] == "list":
                self._list(settings, as_json=options["json"])
            elif options["word"] == "verify":
                self._verify(settings, options["name"])
            elif options["word"] == "pin":
                self._pin(settings, options["name"])
            else:
                self._fetch(settings, options["name"], is_agreed=options["yes"])
        except (wire.SettingInvalid, wire.FetchFailed) as error:
            raise CommandError(str(error)) from error

    def _list(self, settings: wire.ModelSettings, *, as_json: bool) -> None:
        models = wire.shelf(settings)
        if as_json:
            for model in models:
                self.stdout.write(json.dumps(asdict(model)))
            return
        self.stdout.write(f"Models in {settings.folder}\n")
        for model in models:
            self._show(model)
        self.stdout.write(f"\nCuts out by default: {settings.segmenter}")

    def _show(self, model: wire.ShelfModel) -> None:
        size = f"{model.size_bytes / 1e6:,.0f} MB" if model.size_bytes else ""
        state = _STATES[model.state]
        terms = f"{model.licence}, {_terms(model)}"
        self.stdout.write(f"\n{model.name}  [{state}]  {model.kind}  {size}".rstrip())
        self.stdout.write(f"  terms    {terms}. {model.note}")
        if model.state == "ready" and model.checked_against:
            self.stdout.write(f"  checked  SHA-256 by {model.checked_against}")
        if model.state != "ready":
            if model.loss:
                self.stdout.write(f"  without  {model.loss}")
            self.stdout.write(f"  next     {model.words}: {model.command}")

    def _verify(self, settings: wire.ModelSettings, name: str) -> None:
        models = wire.verify_all(settings, name)
        if not models:
            raise CommandError(f"there is no model {name!r}; manage.py models list shows them")
        wrong = 0
        for model in models:
            if model.state == "missing" and not name:
                continue
            matter = f": {model.words}: {model.command}" if model.words else ""
            self.stdout.write(f"{model.name}  {_STATES[model.state]}{matter}")
            if model.found_sha256 and model.state in ("unpinned", "damaged"):
                self.stdout.write(f"  its SHA-256 is {model.found_sha256}")
            wrong += model.state in ("damaged", "unpinned") or (bool(name) and bool(model.words))
        if wrong:
            raise CommandError(f"{wrong} of them cannot be loaded as they are")

    def _pin(self, settings: wire.ModelSettings, name: str) -> None:
        files = wire.pin_named(name, settings)
        self.stdout.write(
            f"{files} files of {name} are recorded; from now on they are held against this."
        )

    def _fetch(self, settings: wire.ModelSettings, name: str, *, is_agreed: bool) -> None:
        wanted = [model for model in wire.shelf(settings) if model.name == name]
        for model in wanted:
            self.stdout.write(f"{model.title}: {model.licence}, {_terms(model)}. {model.note}")
            if model.state == "ready":
                self.stdout.write(f"{name} is ready: {model.place}")
                return
        if wanted and wanted[0].state != "not_allowed" and not is_agreed:
            self._ask(wanted[0])
        came = wire.fetch_named(name, settings, self._progress())
        self.stdout.write(f"\n{name} is here: {came.place}")
        if came.is_first_use:
            agreed = (
                "rembg names the same MD5" if came.md5_agreed else "nothing else vouches for it"
            )
            self.stdout.write(
                f"Nobody publishes its SHA-256. This download was {came.sha256}: from now on the "
                f"file is held against it ({agreed})."
            )

    def _ask(self, model: wire.ShelfModel) -> None:
        size = f"{model.size_bytes / 1e6:,.0f} MB" if model.size_bytes else "a file"
        if not sys.stdin.isatty():
            raise CommandError(f"add --yes to fetch {size} under these terms without being asked")
        if input(f"Fetch {size} under these terms? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was fetched")

    def _progress(self) -> Any:
        shown = [0]

        def show(there: int, whole: int) -> None:
            if there - shown[0] >= _SHOWN_EVERY_BYTES or there == whole:
                shown[0] = there
                of = f" of {whole / 1e6:,.0f}" if whole else ""
                self.stdout.write(f"\r{there / 1e6:,.0f}{of} MB", ending="")
                self.stdout.flush()

        return show


def _terms(model: wire.ShelfModel) -> str:
    return {"yes": "commercial use", "grey": "commercial use unclear", "no": "non-commercial"}[
        model.commercial
    ]
