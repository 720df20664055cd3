"""What purchases, carts and orders look like over HTTP."""
