"""Which calls exist: method, path, the SDK's parameter type, the handler, and the parameters it acts on.

A parameter that the SDK's type has and this table lacks is refused by name, so nothing is ignored in silence.
"""

from collections.abc import Callable
from dataclasses import dataclass

from commerce.stripe_simulator import (
    accounts,
    balance,
    customers,
    disputes,
    events,
    objects,
    payment_intents,
    refunds,
    setup_intents,
    transfers,
)
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Refused, Row
from commerce.stripe_simulator.store import PREFIX

Handler = Callable[[Call], Row]
_KINDS = {f"{kind}s": kind for kind in PREFIX} | {
    "balance": "balance",
    "account": "account",
    "reversals": "transfer_reversal",
}


@dataclass(frozen=True)
class Route:
    """One call of the API; `connected` when it may be made for a connected account (`Stripe-Account`)."""

    method: str
    path: str
    takes: str
    handler: Handler
    acts_on: frozenset[str]
    connected: bool = False

    def check_expansion(self, wanted: str) -> None:
        """Raises: Refused when the answer of this call has nothing there to expand."""
        named = [part for part in self.path.split("/") if part in _KINDS]
        if self.method == "GET" and self.path.endswith("s"):
            first, _, wanted = wanted.partition(".")
            if first != "data" or not wanted:
                raise Refused(f"This property cannot be expanded ({first}).", param="expand")
        objects.check_expansion(_KINDS[named[-1]], wanted)


def _route(
    method: str, path: str, takes: str, handler: Handler, acts_on: str = "", *, connected: bool = False
) -> Route:
    names = frozenset(["expand", *acts_on.split()])
    return Route(method, "/v1/" + path, takes + "Params", handler, names, connected)


_PAGE = "limit starting_after ending_before"
_CREATED = _PAGE + " created"
_CUSTOMER = "name email description phone address shipping metadata invoice_settings"
_INTENT = (
    "payment_method metadata description receipt_email setup_future_usage shipping statement_descriptor"
    " statement_descriptor_suffix transfer_group"
)
_ACCOUNT = "email business_type business_profile capabilities metadata"
_TYPES = "allowed_payment_method_types automatic_payment_methods"
_CONFIRM = "off_session return_url use_stripe_sdk error_on_requires_action"

ROUTES = (
    _route("POST", "customers", "CustomerCreate", customers.create, _CUSTOMER + " payment_method"),
    _route("GET", "customers", "CustomerList", customers.index, _CREATED + " email"),
    _route("GET", "customers/{id}", "CustomerRetrieve", customers.retrieve),
    _route("POST", "customers/{id}", "CustomerUpdate", customers.update, _CUSTOMER),
    _route("DELETE", "customers/{id}", "CustomerDelete", customers.delete),
    _route(
        "GET",
        "customers/{customer}/payment_methods",
        "CustomerPaymentMethodList",
        customers.index_of_customer,
        _PAGE + " type",
    ),
    _route(
        "GET",
        "customers/{customer}/payment_methods/{id}",
        "CustomerPaymentMethodRetrieve",
        customers.retrieve_of_customer,
    ),
    _route(
        "POST",
        "payment_methods",
        "PaymentMethodCreate",
        customers.create_method,
        "type card billing_details metadata allow_redisplay",
    ),
    _route("GET", "payment_methods", "PaymentMethodList", customers.index_methods, _PAGE + " customer type"),
    _route("GET", "payment_methods/{id}", "PaymentMethodRetrieve", customers.retrieve_method),
    _route(
        "POST",
        "payment_methods/{id}",
        "PaymentMethodUpdate",
        customers.update_method,
        "billing_details metadata allow_redisplay",
    ),
    _route("POST", "payment_methods/{id}/attach", "PaymentMethodAttach", customers.attach, "customer"),
    _route("POST", "payment_methods/{id}/detach", "PaymentMethodDetach", customers.detach),
    _route(
        "POST",
        "setup_intents",
        "SetupIntentCreate",
        setup_intents.create,
        f"customer payment_method confirm usage description metadata return_url {_TYPES}",
    ),
    _route(
        "GET", "setup_intents", "SetupIntentList", setup_intents.index, _CREATED + " customer payment_method"
    ),
    _route("GET", "setup_intents/{id}", "SetupIntentRetrieve", setup_intents.retrieve, "client_secret"),
    _route("POST", "setup_intents/{id}", "SetupIntentUpdate", setup_intents.update, "description metadata"),
    _route(
        "POST",
        "setup_intents/{id}/confirm",
        "SetupIntentConfirm",
        setup_intents.confirm,
        "payment_method return_url use_stripe_sdk",
    ),
    _route(
        "POST", "setup_intents/{id}/cancel", "SetupIntentCancel", setup_intents.cancel, "cancellation_reason"
    ),
    _route(
        "POST",
        "payment_intents",
        "PaymentIntentCreate",
        payment_intents.create,
        f"amount currency customer confirm capture_method confirmation_method {_INTENT} {_TYPES} {_CONFIRM}",
    ),
    _route("GET", "payment_intents", "PaymentIntentList", payment_intents.index, _CREATED + " customer"),
    _route("GET", "payment_intents/{id}", "PaymentIntentRetrieve", payment_intents.retrieve, "client_secret"),
    _route(
        "POST",
        "payment_intents/{id}",
        "PaymentIntentUpdate",
        payment_intents.update,
        "amount currency customer " + _INTENT,
    ),
    _route(
        "POST",
        "payment_intents/{id}/confirm",
        "PaymentIntentConfirm",
        payment_intents.confirm,
        f"payment_method receipt_email setup_future_usage shipping {_CONFIRM}",
    ),
    _route(
        "POST",
        "payment_intents/{id}/capture",
        "PaymentIntentCapture",
        payment_intents.capture,
        "amount_to_capture metadata",
    ),
    _route(
        "POST",
        "payment_intents/{id}/cancel",
        "PaymentIntentCancel",
        payment_intents.cancel,
        "cancellation_reason",
    ),
    _route(
        "GET",
        "charges",
        "ChargeList",
        refunds.index_charges,
        _CREATED + " customer payment_intent",
        connected=True,
    ),
    _route("GET", "charges/{id}", "ChargeRetrieve", refunds.retrieve_charge, connected=True),
    _route("POST", "charges/{id}", "ChargeUpdate", refunds.update_charge, "description metadata"),
    _route("POST", "refunds", "RefundCreate", refunds.create, "charge payment_intent amount reason metadata"),
    _route("GET", "refunds", "RefundList", refunds.index, _CREATED + " charge payment_intent"),
    _route("GET", "refunds/{id}", "RefundRetrieve", refunds.retrieve),
    _route("POST", "refunds/{id}", "RefundUpdate", refunds.update, "metadata"),
    _route("GET", "disputes", "DisputeList", disputes.index, _CREATED + " charge payment_intent"),
    _route("GET", "disputes/{dispute}", "DisputeRetrieve", disputes.retrieve),
    _route("POST", "disputes/{dispute}", "DisputeUpdate", disputes.update, "evidence metadata submit"),
    _route("POST", "disputes/{dispute}/close", "DisputeClose", disputes.close),
    _route("GET", "balance", "BalanceRetrieve", balance.retrieve, connected=True),
    _route(
        "GET",
        "balance_transactions",
        "BalanceTransactionList",
        balance.index_transactions,
        _CREATED + " source type currency",
        connected=True,
    ),
    _route(
        "GET",
        "balance_transactions/{id}",
        "BalanceTransactionRetrieve",
        balance.retrieve_transaction,
        connected=True,
    ),
    _route(
        "POST",
        "accounts",
        "AccountCreate",
        accounts.create,
        _ACCOUNT + " type country controller default_currency",
    ),
    _route("GET", "accounts", "AccountList", accounts.index, _CREATED),
    _route("GET", "account", "AccountRetrieveCurrent", accounts.retrieve_current, connected=True),
    _route("GET", "accounts/{id}", "AccountRetrieve", accounts.retrieve),
    _route("POST", "accounts/{id}", "AccountUpdate", accounts.update, _ACCOUNT),
    _route("POST", "accounts/{id}/reject", "AccountReject", accounts.reject, "reason"),
    _route("DELETE", "accounts/{id}", "AccountDelete", accounts.delete),
    _route(
        "POST",
        "account_links",
        "AccountLinkCreate",
        accounts.create_link,
        "account type refresh_url return_url",
    ),
    _route(
        "POST",
        "transfers",
        "TransferCreate",
        transfers.create,
        "amount currency destination source_transaction transfer_group description metadata",
    ),
    _route("GET", "transfers", "TransferList", transfers.index, _CREATED + " destination transfer_group"),
    _route("GET", "transfers/{id}", "TransferRetrieve", transfers.retrieve),
    _route("POST", "transfers/{id}", "TransferUpdate", transfers.update, "description metadata"),
    _route(
        "POST",
        "transfers/{transfer}/reversals",
        "TransferReversalCreate",
        transfers.reverse,
        "amount description metadata",
    ),
    _route("GET", "transfers/{transfer}/reversals", "TransferReversalList", transfers.index_reversals, _PAGE),
    _route(
        "GET",
        "transfers/{transfer}/reversals/{id}",
        "TransferReversalRetrieve",
        transfers.retrieve_reversal,
    ),
    _route(
        "GET", "events", "EventList", events.index, _CREATED + " type types delivery_success", connected=True
    ),
    _route("GET", "events/{id}", "EventRetrieve", events.retrieve, connected=True),
    _route(
        "POST",
        "webhook_endpoints",
        "WebhookEndpointCreate",
        events.create_endpoint,
        "url enabled_events description metadata api_version connect",
    ),
    _route("GET", "webhook_endpoints", "WebhookEndpointList", events.index_endpoints, _PAGE),
    _route("GET", "webhook_endpoints/{id}", "WebhookEndpointRetrieve", events.retrieve_endpoint),
    _route(
        "POST",
        "webhook_endpoints/{id}",
        "WebhookEndpointUpdate",
        events.update_endpoint,
        "url enabled_events description metadata disabled",
    ),
    _route("DELETE", "webhook_endpoints/{id}", "WebhookEndpointDelete", events.delete_endpoint),
)
