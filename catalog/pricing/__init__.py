"""What goods cost: list prices, prices that are announced, and what a variant is never sold below."""
