"""What a socket may ask: command type -> dotted path of its handler."""

COMMANDS: dict[str, str] = {
    "chat.send": "streams.commands.chat_send",
    "cart.add": "orders.commands.cart_add",
    "cart.update": "orders.commands.cart_update",
    "cart.remove": "orders.commands.cart_remove",
    "purchase.create": "orders.commands.purchase_create",
    "purchase.status": "orders.commands.purchase_status",
}
