"""Snapshots: named, immutable states of the board."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.urls import reverse

# So much of the hash stands in the address.
ADDRESS_DIGITS = 12


class ImmutableError(Exception):
    """Something tried to change or delete what is there to be cited."""


class SnapshotQuerySet(models.QuerySet):
    """Snapshots are made and read, never changed; the database refuses changes, too (migration 0005)."""

    def update(self, **fields: Any) -> NoReturn:
        raise ImmutableError("A snapshot is never changed: make a new one.")

    def delete(self) -> NoReturn:
        raise ImmutableError("A snapshot is never deleted: it may be cited.")

    def at(self, address: str) -> models.QuerySet:
        """The snapshot whose hash begins with `address`, without its content."""
        return self.filter(hash__startswith=address).defer("content")


class Snapshot(models.Model):
    """The scores and tables of one moment; `hash` is the SHA-256 of the content before it was compressed."""

    name = models.CharField(max_length=120, unique=True)
    note = models.TextField(blank=True)
    hash = models.CharField("content hash", max_length=64, unique=True)
    content = models.BinaryField(help_text="Lines of canonical JSON, compressed (leaderboard.standings.frozen).")
    score_count = models.PositiveIntegerField()
    run_count = models.PositiveIntegerField()
    # The name, not the user: a row that may not change cannot follow one who leaves.
    author = models.CharField(max_length=150, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    def save(self, *arguments: Any, **options: Any) -> None:
        if self.pk is not None:
            raise ImmutableError("A snapshot is never changed: make a new one.")
        super().save(*arguments, **options)

    def get_absolute_url(self) -> str:
        return reverse("snapshot", args=[self.address])

    def delete(self, *arguments: Any, **options: Any) -> NoReturn:
        raise ImmutableError("A snapshot is never deleted: it may be cited.")

    @property
    def address(self) -> str:
        return self.hash[:ADDRESS_DIGITS]
