from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "panel.demo"
    label = "demo"
    verbose_name = "Demo"
