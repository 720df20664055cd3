"""What the scripted audience says. `{first}` is the host's name, `{product}` what is pinned."""

import random
from collections import deque

GENERAL = (
    "hi everyone",
    "hello from a very rainy balcony",
    "just got in, what did I miss?",
    "love the light today {first}",
    "watching from the tram, sound off, still great",
    "my cat is watching too",
    "second time here, hi again",
    "{first} you are in a good mood today",
    "is this the show from last week or a new one?",
    "the lights behind you are so warm",
    "dinner can wait",
    "who else is watching at work",
    "that intro music, where is it from",
    "how long are we on today?",
    "told my sister to tune in",
    "good evening from up north",
    "these shows are dangerous for me",
    "best hour of the week",
    "can we see it closer?",
    "{first} please show the back of the package",
)

ABOUT: dict[str, tuple[str, ...]] = {
    "Lipstick": (
        "signal red!! finally",
        "does it dry out your lips?",
        "rosewood for me please",
        "had this for a year, stays on through lunch",
        "is nude more pink or more beige?",
        "that red on camera, wow",
        "brick looks so good on you",
    ),
    "Gloss": (
        "not sticky you say? I will hold you to that",
        "clear or honey, hard choice",
        "cherry over the red lipstick, do it",
        "does it smell of anything",
    ),
    "Serum": (
        "morning or evening?",
        "two drops only? I use half the bottle haha",
        "ok for sensitive skin?",
        "under sun cream or over it?",
        "mine lasted four months",
    ),
    "Mascara": (
        "left eye is definitely longer",
        "does it come off with warm water?",
        "brown is underrated",
        "survives onions? asking for a friend",
    ),
    "Blush": (
        "apricot is THE shade",
        "with fingers, I am sold",
        "how does mauve look on darker skin?",
        "did mine in the lift this morning",
    ),
    "Palette": (
        "sunset, always sunset",
        "forest with the gold in the corner",
        "all mattes or some shimmer?",
        "eight pans is exactly right",
    ),
    "Polish": (
        "four minutes? mine takes an hour",
        "sage on short nails please",
        "midnight looks nearly black, love",
        "lagoon for the beach",
    ),
    "Hands": (
        "lemon one smells like holidays",
        "I keep one at every sink",
        "greasy or not greasy?",
        "ordered rose last time, all gone already",
    ),
    "Candle": (
        "vanilla burns so evenly",
        "pine in July, yes I am serious",
        "how many hours does it burn?",
        "ok that one is going in my cart",
    ),
    "Scent": (
        "numbered by hand, oh no, there goes my money",
        "so I pay when it ships? good",
        "fig in winter, yes",
        "how long does it stay on a scarf?",
    ),
    "Brush": ("soft or firm bristles?", "how do you wash them?", "the wooden handles are lovely"),
    "Mist": ("fridge + this = summer saved", "over make-up too?", "rose smell strong or light?"),
    "Balm": ("peach!", "is there sun protection in it?", "three of these in three coats"),
}

OPENED = (
    "go go go",
    "ok fingers ready",
    "pressed!",
    "that price though",
    "NOW",
    "come on little yellow cart",
    "is it one each?",
    "my payday was yesterday, perfect",
)
GOT_ONE = (
    "got one!!",
    "yesss mine",
    "in the cart and paid, that was quick",
    "first time I was fast enough",
    "ordered, thank you {first}",
    "paid before I could think about it",
)
TOO_LATE = (
    "noooo too late",
    "gone in seconds",
    "sold out again, you people are fast",
    "missed it by a blink",
    "another round please {first}",
)
DECLINED = ("my card said no, of course", "declined? let me find the other card")
WELCOME = (
    "hi {name}, welcome",
    "hey {name}",
    "{name} good to see you here",
    "same here {name}",
    "agree with {name}",
)

# The host's own words at the end of an offer.
SOLD_OUT = (
    "And that was the last one. You are fast tonight.",
    "Gone! Thank you, they are being packed already.",
    "Sold out. If somebody's card says no, a piece comes back, so stay close.",
)
TIME_IS_UP = (
    "Time is up, back to the normal price.",
    "That was it for this one. Next!",
    "Countdown over. Let me find the next thing.",
)


class Pool:
    """Lines that are drawn at random without coming again soon."""

    def __init__(self, *, memory: int = 30) -> None:
        self._said: deque[str] = deque(maxlen=memory)

    def draw(self, lines: tuple[str, ...]) -> str | None:
        """Return a line that was not said lately; None when all were."""
        fresh = [line for line in lines if line not in self._said]
        if not fresh:
            return None
        self._said.append(line := random.choice(fresh))
        return line


def about(title: str) -> tuple[str, ...]:
    """Return what can be said of a product with this title."""
    return next((lines for word, lines in ABOUT.items() if word in title), GENERAL)
