"""What a shopper should not show to a whole room: card numbers, accounts, phone numbers, addresses of mail.

Card numbers are told from other numbers by their check digit (ISO/IEC 7812-1, annex B), accounts by theirs
(ISO 13616, modulo 97).
"""

import re
import unicodedata

from streams.moderation import rules
from streams.moderation.filters import Finding

LEAST_DIGITS = 9  # Of a phone number; fewer are an hour or a size.

_card = re.compile(r"(?<![\d+])(?<!\d[.,])[1-9](?:[ ._/\-]{0,2}\d){13,18}(?!\d)")  # No decimal fraction.
_account = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{2,4}){3,8}(?![A-Z0-9])", re.I)
_mail = re.compile(r"[\w.+\-]+\s?(?:@|\(at\)|\[at\])\s?[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,}(?!\w)", re.I)
_phone = re.compile(
    r"(?<![\w.,€$£])(?:\+\s?\d(?:[ .()/\-]{0,2}\d){7,14}"  # +44 20 7946 0958
    r"|\(?0\d{1,4}\)?(?:[ \-]{1,2}\d{2,}){2,5}"  # 020 7946 0958; not dots, which are in times
    r"|0\d{2,4}/\d{4,}(?:[ \-]\d{2,})*|0\d(?:\.\d\d){4}"  # 0170/1234567, 01.23.45.67.89
    r"|0\d{9,10}"  # 02079460958
    r"|\(\d{3}\)\s?\d{3}[ .\-]\d{4}|\d{3}[.\-]\d{3}[.\-]\d{4})(?!\w)"  # (202) 555-0143, 202-555-0143
)


class PersonalData:
    """Finds accounts, phone numbers and mail addresses; cards are found, and hidden, by `masked`."""

    prompt = True

    def check(self, text: str) -> Finding | None:
        """Return the first piece of personal data in a line."""
        plain = unicodedata.normalize("NFKC", text)
        if found := _mail.search(plain):
            return Finding(rules.CONTACT, found.group())
        for phone in _phone.finditer(plain):
            if sum(character.isdigit() for character in phone.group()) >= LEAST_DIGITS:
                return Finding(rules.CONTACT, phone.group().strip())
        for account in _account.finditer(plain):
            if _is_account(account.group()):
                return Finding(rules.CONTACT, account.group())
        return None


def masked(text: str) -> tuple[str, bool]:
    """Return a line with all but the last four digits of card numbers struck out, and whether it had any.

    A card number is not kept at all, so not even whoever looks at a held line sees it.
    """
    digits = "".join(_plain(character) for character in text)
    hidden = list(text)
    found = False
    for match in _card.finditer(digits):
        if _is_card(re.sub(r"\D", "", match.group())):
            found = True
            places = [n for n in range(*match.span()) if digits[n].isdigit()]
            for place in places[:-4]:
                hidden[place] = "•"
    return "".join(hidden), found


def _plain(character: str) -> str:
    # One for one, so that places stay the same.
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)


def _is_card(digits: str) -> bool:
    if not 14 <= len(digits) <= 19 or digits[0] not in "23456" or len(set(digits)) < 2:
        return False
    doubled = [int(digit) * (1 + n % 2) for n, digit in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _is_account(text: str) -> bool:
    plain = re.sub(r"[^A-Z0-9]", "", text.upper())
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1
