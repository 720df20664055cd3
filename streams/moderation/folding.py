"""Text as it is compared: without case, accents, look-alike letters and what takes no room."""

import re
import unicodedata

# Letters of other scripts that pass for Latin ones. Only looked at inside a word that mixes scripts, so
# that Greek or Russian words stay what they are.
_LOOK_ALIKE = str.maketrans(
    "авекмнорстухіјѕԁԛԝүһαβεικνορτυχγաոսցօհքզɑɡıʟ",
    "abekmhopctyxijsdqwyhabeiknoptuxywnugohpqagil",
)
_latin = re.compile(r"[a-z]")
_word = re.compile(r"\w+")
_spaces = re.compile(r"\s+")
_gaps = re.compile(r"[\W_]+")
_runs = re.compile(r"(.)\1+", re.S)
_marks = re.compile(r"[^\w\s]|_")

# Scripts that put no room between words; there a listed word is looked for anywhere.
_unspaced = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def folded(text: str) -> str:
    """Return text without case, accents, invisible characters and look-alikes; words stay apart."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
        if unicodedata.category(character) not in ("Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn")
        or character.isspace()
    )
    plain = unicodedata.normalize("NFC", plain)
    return _spaces.sub(" ", _word.sub(_unmixed, plain)).strip()


def bare(word: str) -> str:
    """Return a folded word or phrase without punctuation, which is not compared."""
    return _spaces.sub(" ", _marks.sub("", word)).strip()


def skeleton(text: str) -> str:
    """Return the letters of folded text without gaps and repetitions.

    What `pattern(word)` finds has the word's skeleton in its own, which is far quicker to look for.
    """
    return _runs.sub(r"\1", _gaps.sub("", text))


def pattern(word: str) -> re.Pattern[str]:
    """Return what finds a folded word or phrase in folded text; `bare(word)` must not be empty.

    It finds the word alone, with its letters drawn out or put apart; it does not find it inside another. A
    letter and what may stand between two are never the same, so looking does not go back and forth.
    """
    plain = bare(word)
    letters = [f"{re.escape(letter)}+" for letter in plain.replace(" ", "")]
    together = r"[^\w\s]*".join(_spaced(plain))
    apart = r"[\W_]+".join(letters)
    either = f"(?:{together}|{apart})" if len(letters) > 2 else together
    if _unspaced.search(plain):
        return re.compile(either)
    return re.compile(rf"(?<!\w){either}(?!\w)")


def _spaced(word: str) -> list[str]:
    parts: list[str] = []
    for match in re.finditer(r"(.)\1*", word, re.S):
        parts.append(r"\s+" if match.group(1) == " " else _run(match.group()))
    return parts


def _run(run: str) -> str:
    letter, n = re.escape(run[0]), len(run)
    # "cool" is not a drawn-out "col": only three and more of a letter count as drawing out.
    return f"(?:{letter}|{letter}{{3,}})" if n == 1 else rf"{letter}(?:[^\w\s]*{letter}){{{n - 1},}}"


def _unmixed(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii() or not _latin.search(word):
        return word
    return word.translate(_LOOK_ALIKE)
