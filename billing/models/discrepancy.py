"""Discrepancies: what reconciliation found to differ between a gateway and our books."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.models.deposit import GatewaySlug


class Problem(models.TextChoices):
    """In which way the two differ."""

    UNKNOWN_PAYMENT = "unknown_payment", "The gateway has a payment that we don't know"
    UNKNOWN_REFUND = "unknown_refund", "The gateway has a refund that we don't know"
    MISSING_PAYMENT = "missing_payment", "We credited a payment that the gateway does not have"
    MISSING_REFUND = "missing_refund", "We booked a refund that the gateway does not have"
    AMOUNT_DIFFERS = "amount_differs", "The amounts differ"
    UNKNOWN_DISPUTE = "unknown_dispute", "The gateway has a dispute that we don't know"
    DISPUTE_DIFFERS = "dispute_differs", "A dispute took another amount"
    STATE_DIFFERS = "state_differs", "One says paid, the other does not"


class Discrepancy(models.Model):
    """One difference, listed until a later reconciliation no longer finds it."""

    objects: ClassVar[models.Manager["Discrepancy"]]

    id = models.BigAutoField(primary_key=True)
    gateway = models.CharField(max_length=20, choices=GatewaySlug)
    problem = models.CharField(max_length=20, choices=Problem)
    reference = models.CharField(max_length=255, help_text="The payment or refund at the gateway, or our number.")
    description = models.CharField(max_length=300)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_seen_at", "-id"]
        verbose_name_plural = "discrepancies"
        constraints = [
            models.CheckConstraint(name="discrepancy_problem_known", condition=Q(problem__in=Problem.values)),
            models.UniqueConstraint(
                fields=["gateway", "problem", "reference"],
                name="discrepancy_listed_once",
                condition=Q(resolved_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_problem_display()}: {self.reference}"
