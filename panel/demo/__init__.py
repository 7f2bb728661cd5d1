"""The demo: its data, made through the use cases."""
