"""What a merchant's API keys and people may be let do, and what an endpoint asks of a key."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

# Scope -> what it opens. The database knows them too: a new one needs a migration.
SCOPES = {
    "catalog:read": "Read products, variants, prices, stock, commission plans, imports and exports.",
    "catalog:write": "Change all of these; feeds and new variants set stock as well.",
    "stock:write": "Set, add and take away stock of variants that there are.",
    "orders:read": "Read orders with their addresses, returns, refunds and disputes.",
    "orders:write": "Ship and cancel orders, answer and receive returns.",
    "refunds:write": "Give money back to buyers.",
    "settings:read": "Read shipping zones, taxes, the windows of returns and the rules of carts.",
    "settings:write": "Change all of these.",
    "money:read": "Read the payout account and statements.",
    "money:write": "Open the payout account, where is said who is paid and where.",
    "webhooks": "Manage webhook endpoints; read their secrets and all they are sent, whatever it is about.",
}

# What no key opens, only people in the merchant admin.
OF_PEOPLE = {
    "members": "Invite people, say what they may, remove them.",
    "keys": "Make, change, rotate and revoke API keys.",
}

# Role of a merchant's member -> what it opens. The database knows the roles' names.
ROLES: dict[str, frozenset[str]] = {
    "owner": frozenset({*SCOPES, *OF_PEOPLE}),
    "catalog": frozenset({"catalog:read", "catalog:write", "stock:write"}),
    "orders": frozenset({"catalog:read", "orders:read", "orders:write", "refunds:write", "settings:read"}),
    "viewer": frozenset({"catalog:read", "orders:read", "settings:read"}),
}

Kind = Literal["read", "write", "bulk"]


@dataclass(frozen=True)
class Need:
    """What a key has to have for an endpoint, and under which limit its requests are counted."""

    scope: str
    kind: Kind


def may(granted: Collection[str], scope: str) -> bool:
    """Tell whether what a key or a member was granted opens `scope`."""
    return scope in granted
