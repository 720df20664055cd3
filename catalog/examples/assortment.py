"""Categories, names, reviews and commission plans, as the API document shows them."""

from typing import Any

PLAN_WRITE: dict[str, Any] = {"name": "Spring", "kind": "open", "rate_bp": 1500}
PLAN_CHANGE: dict[str, Any] = {"name": "Spring, extended", "rate_bp": 1800}
RETIRE: dict[str, Any] = {"reason": "The maker has stopped making it."}
REVIEW: dict[str, Any] = {
    "was": "in_review",
    "status": "draft",
    "by": "operator",
    "reason": "The picture shows another shade.",
    "at": "2030-06-01T09:30:00Z",
}
CATEGORY: dict[str, Any] = {
    "code": "lipsticks",
    "name": "Lipsticks",
    "parent": "make_up",
    "path": "make_up/lipsticks",
    "attributes": [
        {
            "code": "finish",
            "name": "Finish",
            "kind": "choice",
            "unit": "",
            "choices": ["matte", "satin", "gloss"],
            "required": True,
            "defined_by": "lipsticks",
        }
    ],
}
NAME: dict[str, Any] = {"name": "Maison Rouge", "products": 214}
