from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "panel.notifications"
    label = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        """Load the Celery application, so that web processes and commands send tasks to the panel's broker too.

        Without one, Celery sends them to a RabbitMQ on this machine, and says nothing if there is one.
        """
        import panel.celery  # noqa: F401, PLC0415 - it registers itself; Django is set up by now
