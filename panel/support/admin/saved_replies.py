"""Saved replies: edited by those who may, used in every answer."""

from typing import Final

from django.contrib import admin
from django.utils.text import Truncator

from panel.accounts.admin.pages import StaffAdmin, shown
from panel.support.models import SavedReply

_GLIMPSE: Final = 80


@admin.register(SavedReply)
class SavedReplyAdmin(StaffAdmin):
    """A reply is copied into the answer when it is used, so changing one changes nothing that was sent."""

    list_display = ("title", "about", "beginning")
    list_filter = ("kind",)
    search_fields = ("title", "text")
    fields = ("title", "kind", "text")

    @shown(description="About", ordering="kind")
    def about(self, reply: SavedReply) -> str:
        return reply.get_kind_display() if reply.kind else "Anything"

    @shown(description="Text")
    def beginning(self, reply: SavedReply) -> str:
        return Truncator(reply.text).chars(_GLIMPSE)
