"""Connected accounts and the links to their onboarding (https://docs.stripe.com/connect/accounts)."""

import secrets
from urllib.parse import urlsplit

from commerce.stripe_simulator import balance, objects
from commerce.stripe_simulator.calls import Call, label
from commerce.stripe_simulator.refusals import Refused, Row, missing
from commerce.stripe_simulator.store import Store

PLATFORM = "acct_simulated"
STATES = ("enabled", "pending", "restricted", "deauthorized")
LINK_SECONDS = 300
_LISTS = ("alternatives", "currently_due", "errors", "eventually_due", "past_due", "pending_verification")
_ASKED = ["business_profile.url", "external_account", "tos_acceptance.date", "tos_acceptance.ip"]
_DOCUMENT = ["individual.verification.document"]
_REJECTED = {"fraud": "fraud", "terms": "terms_of_service"}
_EURO = "AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"
_CURRENCIES = dict.fromkeys(_EURO.split(), "eur") | {
    "GB": "gbp",
    "CH": "chf",
    "SE": "sek",
    "NO": "nok",
    "DK": "dkk",
    "PL": "pln",
    "CZ": "czk",
    "JP": "jpy",
    "AU": "aud",
    "CA": "cad",
    "NZ": "nzd",
    "SG": "sgd",
    "HK": "hkd",
    "MX": "mxn",
}


def create(call: Call) -> Row:
    """Create a connected account, which can do nothing until its owner has given what is asked."""
    params = call.params
    if "type" in params and "controller" in params:
        raise Refused("You may only specify one of these parameters: controller, type.", param="controller")
    row = call.new("account", type=params.get("type", "none" if "controller" in params else "standard"))
    country = params.get("country", "US")
    if len(country) != 2 or not country.isalpha() or not country.isupper():
        raise Refused(f"Country '{country[:20]}' is unknown.", code="country_unsupported", param="country")
    row |= {
        "country": country,
        "default_currency": params.get("default_currency") or _CURRENCIES.get(country, "usd"),
        "email": params.get("email"),
        "business_type": params.get("business_type"),
        "business_profile": objects.blank("account.business_profile"),
        "capabilities": {},
        "controller": {"type": "application", "is_controller": True, **params.get("controller", {})},
        "external_accounts": {"object": "list", "data": [], "has_more": False}
        | {"url": f"/v1/accounts/{row['id']}/external_accounts"},
        "future_requirements": _requirements(),
        "requirements": _requirements("requirements.past_due", currently_due=_ASKED, eventually_due=_ASKED),
        "settings": objects.blank("account.settings"),
        "tos_acceptance": objects.blank("account.tos_acceptance"),
        "metadata": {},
        "charges_enabled": False,
        "payouts_enabled": False,
        "details_submitted": False,
    }
    _fill(call, row)
    return call.store.save(row)


def find(store: Store, ident: str) -> Row | None:
    """Return an account that is connected still."""
    row = store.find(ident)
    if row is None or row["object"] != "account" or row.get("deleted") or row.get("_gone"):
        return None
    return row


def get(call: Call, ident: str) -> Row:
    """Return an account that is connected still. Raises: Refused (403), as for one that never was."""
    row = find(call.store, ident)
    if row is None:
        raise no_access(ident)
    return row


def no_access(ident: str) -> Refused:
    """Return the refusal of an account that is none of ours."""
    return Refused(
        f"The provided key does not have access to account '{ident[:60]}' (or that account does not exist). "
        "Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )


def retrieve(call: Call) -> Row:
    """Return a connected account."""
    return get(call, call.path["id"])


def retrieve_current(call: Call) -> Row:
    """Return the account that asks: the platform's own, or the one named in `Stripe-Account`."""
    if call.account is not None:
        return get(call, call.account)
    own = objects.blank("account", id=PLATFORM, country="US", default_currency="usd", type="standard")
    own |= {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True, "metadata": {}}
    return own


def index(call: Call) -> Row:
    """List connected accounts, newest first."""
    return call.page("account", "/v1/accounts", keep=lambda row: not row.get("_gone"))


def update(call: Call) -> Row:
    """Change a connected account."""
    row = get(call, call.path["id"])
    for name in ("email", "business_type"):
        if name in call.params:
            row[name] = call.params[name]
    _fill(call, row)
    return _tell(call, row)


def reject(call: Call) -> Row:
    """Reject a connected account for good."""
    row = get(call, call.path["id"])
    why = call.params["reason"]
    _stop(row, f"rejected.{_REJECTED.get(why.partition('_')[0], 'other')}")
    return _tell(call, row)


def delete(call: Call) -> Row:
    """Delete a connected account. Raises: Refused while there is money in it."""
    row = get(call, call.path["id"])
    if any(one["net"] for one in balance.totals(call.store, row["id"])):
        raise Refused("This account cannot be deleted while its balance is not zero.")
    gone = {"id": row["id"], "object": "account", "deleted": True, "created": row["created"]}
    return call.store.save(gone)


def create_link(call: Call) -> Row:
    """Create a link to the onboarding page, good for one visit within five minutes."""
    params = call.params
    account = get(call, params["account"])
    for name in ("refresh_url", "return_url"):
        if name not in params:
            raise Refused(f"Missing required param: {name}.", code="parameter_missing", param=name)
        if urlsplit(params[name]).scheme not in ("http", "https"):
            raise Refused("Not a valid URL", code="url_invalid", param=name)
    secret = secrets.token_urlsafe(24)
    row = objects.blank("account_link", created=call.now, expires_at=call.now + LINK_SECONDS)
    row["url"] = f"{call.base}/sheet/onboarding?link={secret}"
    kept = {"id": f"alink_{secret}", "_for": account["id"]}
    call.store.save(row | kept | {"_refresh": params["refresh_url"], "_return": params["return_url"]})
    return row


def become(call: Call, row: Row, state: str) -> Row:
    """Put an account into one of `STATES`, as its owner or Stripe would, and tell it."""
    if state == "deauthorized":
        row["_gone"] = True
        call.store.save(row)
        application = {"id": "ca_simulated", "object": "application", "name": "Simulated"}
        call.emit("account.application.deauthorized", application, account=row["id"])
        return row
    row["details_submitted"] = True
    if state == "enabled":
        row |= {"charges_enabled": True, "payouts_enabled": True, "requirements": _requirements()}
        row["capabilities"] = dict.fromkeys(row["capabilities"], "active")
    elif state == "pending":
        _stop(row, "requirements.pending_verification", pending_verification=_DOCUMENT)
        row["capabilities"] = dict.fromkeys(row["capabilities"], "pending")
    else:
        due = dict.fromkeys(("currently_due", "eventually_due", "past_due"), _DOCUMENT)
        _stop(row, "requirements.past_due", **due)
    return _tell(call, row)


def _stop(row: Row, reason: str, **due: list[str]) -> None:
    row |= {"charges_enabled": False, "payouts_enabled": False, "requirements": _requirements(reason, **due)}
    row["capabilities"] = dict.fromkeys(row["capabilities"], "inactive")


def _requirements(disabled_reason: str | None = None, **due: list[str]) -> Row:
    empty: Row = {name: [] for name in _LISTS}
    return empty | {"current_deadline": None, "disabled_reason": disabled_reason} | due


def _fill(call: Call, row: Row) -> None:
    row["business_profile"] |= call.params.get("business_profile", {})
    for name, wish in call.params.get("capabilities", {}).items():
        if wish.get("requested"):
            row["capabilities"].setdefault(name, "active" if row["payouts_enabled"] else "inactive")
    label(row, call.params)


def _tell(call: Call, row: Row) -> Row:
    call.store.save(row)
    call.emit("account.updated", row, account=row["id"])
    return row


def link(store: Store, secret: str) -> Row:
    """Return an onboarding link by what its address carries. Raises: Refused (404)."""
    row = store.find(f"alink_{secret}")
    if row is None:
        raise missing("account_link", "", "link", status=404)
    return row
