"""What the API document says of the project as a whole; the endpoints describe themselves."""

from typing import Any

_ABOUT = """
The shop inside the live stream: catalog and orders for merchants' systems, buying for shoppers.

**Merchants** send `Authorization: Api-Key <key>`. **Shoppers** are known by the session that sign-in sets.
Money is in minor units with its currency: `1999 EUR` is 19.99 euros. Instants are ISO 8601 in UTC, or
Unix milliseconds where the field says so.
Every refusal is a problem document with a stable `code`; `temporary: true` means that the same request may be
sent again. Writes take an `Idempotency-Key`. Lists come page by page: follow `next` until it is null.
"""

SPECTACULAR: dict[str, Any] = {
    "TITLE": "Yellowcart",
    "DESCRIPTION": _ABOUT.strip(),
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "commerce.schema.describe_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AppealOutcome": "streams.models.Appeal.Outcome",
        "AppealVerdict": ["upheld", "overturned"],
        "RuleOfPeople": "streams.models.Report.Category",
        "AttributeKind": "catalog.models.CategoryAttribute.Kind",
        "PlanKind": "catalog.models.CommissionPlan.Kind",
        "ProductStatus": "catalog.models.Product.Status",
        "FeedOffReason": "catalog.models.FeedSource.Off",
        "FeedFetchOutcome": "catalog.models.FeedFetch.Outcome",
        "ImageState": "catalog.models.ProductImage.State",
        "ProductLanguage": "catalog.models.Product.Language",
        "RowResultKind": ["created", "updated", "unchanged", "refused"],
        "ImportStatus": "catalog.models.Import.Status",
        "FeedFormat": "catalog.models.Import.Format",
        "ExportStatus": "catalog.models.Export.Status",
        "ScheduleStatus": "catalog.models.PriceSchedule.Status",
        "MovementReason": "catalog.models.StockMovement.Reason",
        "OfferHadStatus": ["announced", "open", "ended"],
        "ShowStatus": ["scheduled", "live", "ended"],
        "InStock": ["yes", "few", "no"],
        "OrderStatus": "orders.models.Order.Status",
        "PurchaseStatus": "orders.models.Purchase.Status",
        "CancellationStatus": "orders.models.Cancellation.Status",
        "RestraintKind": ["mute", "ban"],
        "RefundBy": "orders.models.Refund.By",
        "RefundKind": "orders.models.Refund.Kind",
        "RefundState": ["owed", "paid", "bank"],
        "WebhookOffReason": "commerce.models.WebhookEndpoint.Off",
        "WebhookDeliveryStatus": "commerce.models.WebhookDelivery.Status",
        "ReturnReason": "orders.models.Return.Reason",
        "ReturnStatus": "orders.models.Return.Status",
    },
    "TAGS": [
        {
            "name": "Imports",
            "description": "Whole feeds: send a file, watch it being read, see what was wrong.",
        },
        {
            "name": "Exports",
            "description": "The whole assortment as a file: ask for one, watch it being written, fetch it.",
        },
        {"name": "Taxonomy", "description": "Categories of the shop, and your own brands and tags."},
        {"name": "Products", "description": "The goods, with their variants and pictures."},
        {"name": "Feeds", "description": "Feeds that we fetch where a merchant has them, on a schedule."},
        {
            "name": "Images",
            "description": "Pictures of products: uploaded, or fetched.",
        },
        {"name": "Prices", "description": "List prices with their history."},
        {"name": "Stock", "description": "What can still be promised."},
        {"name": "Commission", "description": "What hosts get for selling a merchant's goods."},
        {"name": "Orders", "description": "What was bought of a merchant, and its shipping."},
        {"name": "Returns", "description": "Goods that come back to a merchant."},
        {
            "name": "Tax and shipping",
            "description": "Where a merchant ships, for how much, and what is taxed.",
        },
        {"name": "Shop", "description": "What is on sale, and in which shows. For anybody, and for caches."},
        {"name": "Live", "description": "Shows that are live or coming."},
        {"name": "Moderation", "description": "Keeping order in a show's chat, and being heard about it."},
        {"name": "Purchases", "description": "Buying outside the socket."},
        {"name": "Cart", "description": "A shopper's cart, or a guest's."},
        {"name": "Waitlist", "description": "Lines for what is sold out."},
        {"name": "Carts", "description": "A merchant's rules: what is held for carts, and for whom."},
        {"name": "Account", "description": "Signing up and in, addresses."},
        {"name": "Cards", "description": "Saved cards."},
        {
            "name": "Webhooks",
            "description": "What merchants' systems are told, and what the payment provider tells us.",
        },
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "docExpansion": "list",
        "defaultModelsExpandDepth": 0,
        "displayRequestDuration": True,
        "filter": True,
        "persistAuthorization": False,
    },
}
