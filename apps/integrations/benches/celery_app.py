"""Celery with its defaults and the no-op work; started by the bench where Celery is installed."""

from __future__ import annotations

import os

from celery import Celery

from apps.integrations.benches import noop

app = Celery("bench", broker=os.environ["PACKSHOT_REDIS_URL"])
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
work = app.task(noop.work, name="bench.work")
