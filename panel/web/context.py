"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001 - the signature of a context processor
    """Give the panel's name, currency and support address to the templates."""
    return {
        "panel_name": settings.PANEL_NAME,
        "currency": settings.PANEL_CURRENCY,
        "support_email": settings.SUPPORT_EMAIL,
    }
