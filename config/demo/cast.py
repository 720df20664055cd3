"""Who and what is in the demo. Everybody and everything is invented; example addresses reach nobody."""

from dataclasses import dataclass

OPERATOR = "ops@demo.example"
# Works for all the merchants.
SHOPKEEPER = "merchant@demo.example"


@dataclass(frozen=True)
class Seller:
    """A merchant and the feed it sends."""

    name: str
    slug: str
    logo: str
    feed: str
    host_commission_bp: int
    platform_fee_bp: int


@dataclass(frozen=True)
class Presenter:
    """A host and how she is introduced."""

    name: str
    slug: str
    bio: str
    portrait: str

    @property
    def email(self) -> str:
        """What she signs in with."""
        return f"{self.slug}@demo.example"


@dataclass(frozen=True)
class Shopper:
    """A shopper, where her parcels go, and the simulator's test cards she has saved, the default first."""

    name: str
    street: str
    city: str
    postal_code: str
    country: str
    cards: tuple[str, ...] = ("pm_card_visa",)

    @property
    def email(self) -> str:
        """What she signs in with."""
        return f"{self.name.split()[0].lower()}@demo.example"


@dataclass(frozen=True)
class Show:
    """A show and what it sells, by the handles of the feeds."""

    slug: str
    host: str
    title: str
    description: str
    picture: str
    showcase: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """A product that is sold as one unit each of others, by handle and by SKUs."""

    handle: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Act:
    """One turn of the live show: the product pinned, what the host says, and what she offers, in cents.

    With `opens_in` the offer is announced, and everybody counts down so many seconds.
    """

    title: str
    line: str
    amount: int
    quota: int
    offer_line: str
    seconds: int = 30
    opens_in: int = 0


SELLERS = (
    Seller("Demo Beauty", "demo-beauty", "/demo/pictures/merchant-beauty.svg", "demo-beauty.csv", 1_500, 500),
    Seller("Demo Home", "demo-home", "/demo/pictures/merchant-home.svg", "demo-home.csv", 1_000, 500),
)

PRESENTERS = (
    Presenter("Lena", "lena", "Colour first, rules later. Make-up you can do on a train.", "host-1"),
    Presenter("Timo", "timo", "Cooks for six, owns one good knife. Kitchens and tables.", "host-2"),
    Presenter("Amara", "amara", "Slow evenings, warm light, soft towels. Home on Sundays.", "host-3"),
)

LIVE = Show(
    "glow-hour",
    "lena",
    "Glow hour: lips, lashes and little luxuries",
    "An hour at the mirror with Lena. Live prices while the countdown runs, one piece per person.",
    "studio-loop",
    (
        "velvet-matte-lipstick",
        "glass-lip-gloss",
        "lipstick-trio",
        "vitamin-c-serum",
        "winter-scent-duo",
        "long-lash-mascara",
        "cream-blush",
        "hand-cream",
        "gel-shine-nail-polish",
        "eye-palette",
        "rose-water-mist",
        "scented-candle",
        "brush-set",
        "tinted-lip-balm",
    ),
)
PLANNED = (
    Show(
        "kitchen-table",
        "timo",
        "Kitchen table: one pan, three dinners",
        "Timo cooks, you decide what goes in. The pan, the knife and the board are all in the showcase.",
        "studio-loop-2",
        (
            "non-stick-pan",
            "chefs-knife",
            "cutting-board",
            "cast-iron-casserole",
            "mixing-bowl-set",
            "linen-apron",
        ),
    ),
    Show(
        "weekend-face",
        "lena",
        "Weekend face: ten minutes, five products",
        "What Lena takes along for two days, and what she leaves at home.",
        "studio-loop",
        ("tinted-lip-balm", "skin-match-foundation", "cream-blush", "long-lash-mascara", "daily-sun-cream"),
    ),
)
ENDED = Show(
    "sunday-reset",
    "amara",
    "Sunday reset: baths, candles, soft things",
    "Amara's quiet hour: what she lights, wears and wraps herself in on a Sunday.",
    "studio-loop-3",
    ("bath-towel", "scented-candle", "wool-blanket", "linen-cushion", "oat-body-lotion", "garden-soap"),
)

# Sold by the first merchant: several in one parcel, and what is not there yet.
BUNDLE = Bundle("lipstick-trio", ("DB-VML-SIGNRED", "DB-VML-DUSTPINK", "DB-VML-ROSE"))
PREORDER, RELEASED_IN_DAYS = "winter-scent-duo", 4
HOLD_SECONDS = 600  # So long it holds goods for carts.

# What the host opens whenever none runs: off the first merchant's goods, in basis points and cents.
COUPON_BP, COUPON_FROM, COUPON_QUOTA, COUPON_SECONDS = 1_000, 2_000, 40, 900

# What the audience bought in the show that is over: handle, how many of them.
SOLD_BEFORE = (("scented-candle", 3), ("bath-towel", 2), ("garden-soap", 2))

ACTS = (
    Act(
        "Velvet Matte Lipstick",
        "This is the Velvet Matte in Signal Red. One stroke, look at that.",
        990,
        8,
        "9.90 for the lipstick when the clock is at zero. One each!",
        opens_in=12,
    ),
    Act(
        "Vitamin C Serum",
        "Skin next. I put this on every single morning, two drops.",
        1_290,
        6,
        "The serum goes for 12.90 now, six bottles at that price.",
    ),
    Act(
        "Glass Lip Gloss",
        "Gloss on top of the lipstick, or alone. Not sticky, promise.",
        790,
        8,
        "Gloss for 7.90, eight pieces.",
    ),
    Act(
        "Velvet Lipstick Trio",
        "If you cannot decide: red, pink and rosewood, all three in one parcel.",
        3_490,
        5,
        "The trio for 34.90, five parcels.",
    ),
    Act(
        "Scented Candle",
        "Small break from faces: this candle is burning right behind me.",
        1_390,
        5,
        "Candles for 13.90. Vanilla is nearly always the first to go.",
    ),
    Act(
        "Long Lash Mascara",
        "Lashes! Watch the left eye, then compare.",
        990,
        7,
        "Mascara is 9.90 until the countdown is over.",
    ),
    Act(
        "Cream Blush",
        "Blush with two fingers, no brush, on a moving train if you must.",
        1_090,
        6,
        "Cream blush for 10.90, all three shades. Fingers ready?",
        opens_in=15,
    ),
    Act(
        "Winter Scent Duo",
        "This one is not in the shops yet. Order it now, your card is charged when it ships.",
        6_900,
        6,
        "Six of the winter duo for 69.00, for those who order early.",
    ),
    Act(
        "Eight Pan Eye Palette",
        "Eight pans, and I use all eight. Sunset or forest?",
        2_400,
        4,
        "Only four palettes at 24.00, so be quick.",
    ),
    Act(
        "Soft Hands Cream",
        "For everybody who asked what is on my desk: this hand cream.",
        390,
        9,
        "Hand cream for 3.90. Take one for a friend another day, one each now.",
    ),
    Act(
        "Gel Shine Nail Polish",
        "Nails while we chat. Dry in four minutes, I timed it.",
        550,
        8,
        "Any polish for 5.50, eight bottles, as soon as the clock says so.",
        opens_in=15,
    ),
)

# The first one is left alone by the script: whoever looks at the demo signs in as her.
VISITOR = Shopper(
    "Mia",
    "Lindenweg 4",
    "Berlin",
    "10115",
    "DE",
    ("pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeCustomerFail"),
)
AUDIENCE = (
    Shopper("Noor", "Kastanienallee 12", "Hamburg", "20095", "DE"),
    Shopper("Jonas K.", "Am Markt 3", "Leipzig", "04109", "DE", ("pm_card_mastercard",)),
    Shopper("Aylin", "Seestrasse 41", "Zürich", "8002", "CH"),
    Shopper("Chiara", "Via Garibaldi 8", "Torino", "10122", "IT", ("pm_card_amex",)),
    Shopper("Emil", "Nørregade 17", "Aarhus", "8000", "DK"),
    Shopper("Sofie", "Vestergade 2", "Odense", "5000", "DK", ("pm_card_mastercard",)),
    Shopper("Hugo", "Rue des Lilas 29", "Lyon", "69003", "FR"),
    Shopper("Camille", "Quai des Arts 5", "Nantes", "44000", "FR", ("pm_card_visa_debit",)),
    Shopper("Marta", "Calle Mayor 33", "Valencia", "46002", "ES"),
    Shopper("Pau", "Carrer Nou 9", "Girona", "17001", "ES", ("pm_card_mastercard",)),
    Shopper("Ines", "Rua das Flores 20", "Porto", "4050", "PT"),
    Shopper("Zofia", "Ulica Lipowa 6", "Kraków", "30-001", "PL", ("pm_card_discover",)),
    Shopper("Kuba", "Ulica Polna 14", "Gdańsk", "80-001", "PL"),
    Shopper("Elif", "Gartenstrasse 7", "Köln", "50667", "DE"),
    Shopper("Ravi", "Canal Street 18", "Rotterdam", "3011", "NL", ("pm_card_mastercard",)),
    Shopper("Fleur", "Dorpsstraat 2", "Utrecht", "3511", "NL"),
    Shopper("Oskar", "Björkgatan 11", "Uppsala", "753 20", "SE"),
    Shopper("Alma", "Storgatan 5", "Lund", "222 22", "SE", ("pm_card_amex",)),
    Shopper("Niko", "Puistokatu 3", "Tampere", "33100", "FI"),
    Shopper("Deniz", "Hauptplatz 1", "Graz", "8010", "AT"),
    Shopper("Lotte", "Meir 40", "Antwerpen", "2000", "BE", ("pm_card_visa_debit",)),
    Shopper("Tomas", "Dlouhá 10", "Brno", "602 00", "CZ"),
    Shopper("Yara", "Birkenweg 19", "Bern", "3011", "CH"),
    # Her card saves and then declines, so the piece she gets is sold on.
    Shopper("Paula", "Mühlgasse 8", "Wien", "1010", "AT", ("pm_card_chargeCustomerFail",)),
)
SHOPPERS = (VISITOR, *AUDIENCE)
