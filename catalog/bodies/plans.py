"""Bodies of commission plans."""

from catalog.bodies.body import Body
from catalog.models import CommissionPlan


def plan(row: CommissionPlan) -> Body:
    """Return a commission plan from `plans.plan`, with what it says now and will say."""
    goods = [
        {"product": each.product_id, "valid_from": each.valid_from, "valid_until": each.valid_until}
        for each in row.products.all()
    ]
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "rates": [
            {
                "host": each.host.slug if each.host else None,
                "rate_bp": each.rate_bp,
                "valid_from": each.valid_from,
                "valid_until": each.valid_until,
            }
            for each in row.rates.all()
        ],
        "products": None if row.all_products else goods,
        "ends_at": row.ends_at,
        "created_at": row.created_at,
    }
