"""The Celery application: `celery -A panel.celery worker` and `… beat`.

The broker is disposable: every due piece of work is a row with a due time, and the beat's sweeps find it again.
"""

import gc
import os

from celery import Celery
from celery.signals import beat_init, worker_init, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

app = Celery("panel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def refuse_unsafe_start(**_details: object) -> None:
    """Stop a worker or beat whose configuration is unsafe; Celery logs and ignores ordinary errors at this point."""
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - Django is set up by now

    from panel import checks  # noqa: PLC0415

    try:
        checks.refuse_unsafe_start()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error


def spare_loaded_code(**_details: object) -> None:
    """Keep the garbage collector from walking through all loaded modules time and again: they stay to the end."""
    gc.collect()
    gc.freeze()


worker_init.connect(refuse_unsafe_start, weak=False)
beat_init.connect(refuse_unsafe_start, weak=False)
worker_process_init.connect(spare_loaded_code, weak=False)
