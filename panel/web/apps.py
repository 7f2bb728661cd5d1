from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "panel.web"
    label = "web"
    verbose_name = "Pages"

    def ready(self) -> None:
        """Register the system checks."""
        from panel import checks  # noqa: F401, PLC0415 - registers itself when apps are ready
