from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "panel.support"
    label = "support"
    verbose_name = "Support"
