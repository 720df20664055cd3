"""What sweeps could not finish, and when they try again."""

from django.db import models


class Setback(models.Model):
    """Work that failed: it is stepped over until `until`, each time for longer, so that others get their
    turn.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=40, help_text="Id of what could not be finished.")
    failures = models.PositiveIntegerField(default=1)
    until = models.DateTimeField()
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kind", "subject"], name="setback_once"),)
        indexes = (models.Index(fields=["until"], name="setback_old"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.error}"
