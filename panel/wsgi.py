"""The WSGI application that granian serves. It does not start on an unsafe configuration."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

application = get_wsgi_application()

from panel import checks  # noqa: E402 - the checks read the settings that were set up just now

checks.refuse_unsafe_start()
