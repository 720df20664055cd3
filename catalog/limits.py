"""How much one product may have, whichever way it comes in. Pure."""

MAX_TEXT = 255  # characters of a title, an option's value, an id
MAX_URL = 1000
MAX_URL_BYTES = 2_000  # The index by which a product has a picture once takes no more than 2,700.
MAX_ALT = 500
MAX_BARCODE = 64
MAX_ATTRIBUTES = 50
MAX_TAGS = 250  # Search takes them for words, of which PostgreSQL keeps so many bytes of a row.
MAX_VARIANTS = 2_000
MAX_IMAGES = 250
