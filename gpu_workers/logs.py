"""The log of a worker: one line for one event, on stderr.

Owns the form of a line: UTC time, level, logger, message, then ``name=value`` facts. Does not own
what is logged. Standard library only, because the engine child logs before it imports anything.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any


class LineFormatter(logging.Formatter):
    """Writes a record, its facts and its traceback as one line.

    Parameters
    ----------
    constant_facts
        Facts that stand on every line, such as the worker's name.
    """

    def __init__(self, constant_facts: dict[str, Any]) -> None:
        super().__init__()
        self._constant_facts = constant_facts

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; line breaks in messages and tracebacks are escaped."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        stamp = f"{seconds}.{int(record.msecs):03d}Z"
        facts = {**self._constant_facts, **getattr(record, "facts", {})}
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        tail = "".join(f" {name}={_quoted(value)}" for name, value in facts.items())
        message = record.getMessage().replace("\n", "\\n")
        return f"{stamp} {record.levelname} {record.name} {message}{tail}"


def log_to_stderr(**constant_facts: Any) -> None:
    """Send every logger of this process to stderr, one line for one event."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(constant_facts))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # RQ narrates every dequeue and completion; the worker's own lines say the same once.
    logging.getLogger("rq").setLevel(logging.WARNING)
    logging.getLogger("rq.worker").setLevel(logging.WARNING)


def _quoted(value: Any) -> str:
    text = str(value)
    plain = text and not any(letter.isspace() or letter in '"=' for letter in text)
    return text if plain else json.dumps(text)
