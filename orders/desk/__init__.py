"""The trade's screens of the merchant admin: orders, what is done with one, parcels, returns, disputes."""

from orders.desk import acts, disputes, orders, returns, together

__all__ = ["acts", "disputes", "orders", "returns", "together"]  # Hung up by being imported.
