#!/usr/bin/env python
"""Run a management command."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the sentence is for those who run older ones
        sys.exit("Packshot needs Python 3.11 or newer; install it and run `make up` again.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Packshot: {error}")


if __name__ == "__main__":
    main()
