"""Wiring: settings, addresses, processes, and who hears what. No business rule lives here."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
