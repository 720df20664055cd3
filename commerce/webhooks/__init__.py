"""Webhooks out: what happened, told to merchants' own systems as Standard Webhooks asks for.

A message is written once per event, a delivery once per message and endpoint, an attempt per try. Senders
claim deliveries in the database, so a killed one loses nothing; they connect to public addresses only.
"""
