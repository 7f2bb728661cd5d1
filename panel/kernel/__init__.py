"""Pure Python shared by every room: no Django, no I/O."""
