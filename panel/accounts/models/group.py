"""Groups of customers that are treated alike: agencies, resellers. Staff's rights are another matter (auth groups)."""

from django.db import models


class CustomerGroup(models.Model):
    """A group that refund policies may be written for; they name it by its slug."""

    slug = models.SlugField(
        max_length=50, unique=True, help_text="How refund policies name the group; it stays as it is once given."
    )
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
