"""Which of the provider's events are read. Known without the models, for whoever sets an endpoint up."""

# Of what kinds something is read. An endpoint need not be sent others (`enabled_events`); those that come all
# the same are kept, and nobody is woken for them. The provider's log can be asked for twenty at most.
READ = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.requires_action",
    "payment_intent.amount_capturable_updated",
    "payment_intent.processing",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refunded",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "setup_intent.succeeded",
    "payment_method.detached",
    "payment_method.automatically_updated",
)
