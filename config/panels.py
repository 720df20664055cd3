"""What the studio shows of rooms that streams does not know: panel -> dotted path of who gives it."""

STUDIO_PANELS: dict[str, str] = {
    # (host_id, stream_id): what one show has sold so far.
    "sales": "orders.books.earnings.of_show",
    # (host_id): what every show has sold, by the show's id.
    "earnings": "orders.books.earnings.of_host",
}
