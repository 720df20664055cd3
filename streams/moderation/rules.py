"""The rules that decisions name: those of the filters, which only hold, and those that people go by."""

from commerce import errors

# Filters. Each asks a human to look.
WORDS = "words"
HOST_WORDS = "host_words"
LINKS = "links"
CARD = "card"
CONTACT = "contact"
FLOOD = "flood"
UNCHECKED = "unchecked"

FILTERS: dict[str, str] = {
    WORDS: "A word of the platform's list.",
    HOST_WORDS: "A word of the host's own list.",
    LINKS: "An address on the web, by a viewer.",
    CARD: "A card number; all but its last digits are kept out of sight for good.",
    CONTACT: "A phone number, an e-mail address or an account number.",
    FLOOD: "The same text again and again.",
    UNCHECKED: "The filter did not answer, so nobody has looked yet.",
}
PEOPLE: dict[str, str] = {
    "abuse": "Insults, threats or hate.",
    "spam": "Advertising or repetition.",
    "scam": "An attempt to cheat.",
    "sexual": "Sexual content.",
    "personal": "Personal data of somebody.",
    "other": "Something else; the reason says what.",
}
ALL: dict[str, str] = FILTERS | PEOPLE
MAX_REASON = 200


class UnknownRule(errors.Invalid):
    message = "There is no such rule."


class ReasonMissing(errors.Invalid):
    message = f"Say why, in {MAX_REASON} characters at most."


def checked(rule: str, reason: str) -> tuple[str, str]:
    """Return a rule that people go by and the reason, tidied; raises UnknownRule, ReasonMissing.

    The rule "other" says nothing by itself, so it needs a reason.
    """
    if rule not in PEOPLE:
        raise UnknownRule(errors={"rule": f"one of {', '.join(PEOPLE)}"})
    return rule, worded(reason, needed=rule == "other")


def worded(reason: str, *, needed: bool = False) -> str:
    """Return a reason without what cannot be stored or seen; raises ReasonMissing."""
    tidy = " ".join("".join(c for c in reason if c.isprintable() or c.isspace()).split())
    if len(tidy) > MAX_REASON or (needed and not tidy):
        raise ReasonMissing(errors={"reason": f"{int(needed)} to {MAX_REASON} characters"})
    return tidy
