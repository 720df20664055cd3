"""What a merchant's API key may be let do, and what an endpoint asks of one."""

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

Kind = Literal["read", "write", "bulk"]


@dataclass(frozen=True)
class Need:
    """What a key has to have for an endpoint, and under which limit its requests are counted."""

    scope: str
    kind: Kind
