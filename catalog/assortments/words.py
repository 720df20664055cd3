"""The words of which goods are made up, language by language. Pure; every maker is an invented example."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tongue:
    """What a language says of goods."""

    title: str  # With {quality}, {noun}, {stuff} and {series}.
    texts: tuple[str, ...]
    qualities: tuple[str, ...]
    stuffs: tuple[str, ...]
    nouns: tuple[str, ...]  # In the order of KINDS.
    colors: tuple[str, ...]
    color: str
    size: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of goods: what it is called, what it costs about (major units), its grams, how it is sold."""

    type: str
    price: float
    grams: int
    sizes: tuple[str, ...] = ()
    colored: bool = True


_WORN = ("XS", "S", "M", "L", "XL", "XXL")
_SHOES = ("36", "37", "38", "39", "40", "41", "42", "43", "44", "45")
_BEDS = ("90 x 200", "140 x 200", "160 x 200", "180 x 200")
_VOLUMES = ("50 ml", "100 ml", "250 ml")

# From what is sold most to what is sold least.
KINDS = (
    Kind("Apparel > Shirts", 25, 180, _WORN),
    Kind("Apparel > Sweaters", 55, 420, _WORN),
    Kind("Apparel > Trousers", 60, 520, _WORN),
    Kind("Shoes > Sneakers", 80, 900, _SHOES),
    Kind("Beauty > Lipsticks", 18, 30),
    Kind("Beauty > Creams", 24, 120, _VOLUMES, colored=False),
    Kind("Kitchen > Mugs", 14, 380),
    Kind("Kitchen > Knives", 45, 210, colored=False),
    Kind("Home > Blankets", 49, 1200, ("130 x 170", "150 x 200")),
    Kind("Home > Lamps", 79, 1800),
    Kind("Home > Candles", 16, 300),
    Kind("Bed > Linen", 69, 1500, _BEDS),
    Kind("Bags > Backpacks", 89, 950),
    Kind("Sports > Bottles", 22, 260, ("500 ml", "750 ml")),
    Kind("Toys > Puzzles", 19, 600, ("500", "1000", "2000"), colored=False),
    Kind("Garden > Chairs", 119, 5200),
    Kind("Office > Notebooks", 9, 240, ("A4", "A5", "A6")),
    Kind("Pets > Cushions", 39, 900, ("S", "M", "L")),
    Kind("Music > Headphones", 129, 310),
    Kind("Watches", 159, 90),
)

# Endings are left as they are: a feed's titles are seldom good grammar either.
TONGUES = {
    "en": Tongue(
        "{quality} {stuff} {noun} {series}",
        (
            "The {noun} of the {series} series is made of {stuff} and meant for everyday use.",
            "Soft {stuff}, careful seams, and a shape that stays. Wash it cold and let it dry slowly.",
            "A {quality} companion for mornings at home and long days outside.",
            "Made in small series. Colours may differ a little from what a screen shows.",
        ),
        ("classic", "soft", "light", "bright", "quiet", "sturdy", "elegant", "cosy", "fresh", "modern"),
        ("cotton", "linen", "wool", "oak", "steel", "glass", "bamboo", "cork", "velvet", "clay"),
        (
            *(
                "shirt",
                "sweater",
                "trousers",
                "sneaker",
                "lipstick",
                "cream",
                "mug",
                "knife",
                "blanket",
                "lamp",
            ),
            *("candle", "bed linen", "backpack", "bottle", "puzzle", "chair", "notebook", "cushion"),
            *("headphones", "watch"),
        ),
        ("black", "white", "sand", "coral", "navy", "sage", "berry", "ochre", "slate", "rose"),
        "Color",
        "Size",
        ("everyday", "gift", "new", "bestseller", "summer", "winter", "organic", "vegan", "sale", "limited"),
    ),
    "de": Tongue(
        "{quality} {noun} aus {stuff} {series}",
        (
            "{noun} der Serie {series} aus {stuff}, gemacht für jeden Tag.",
            "Weiches Material, saubere Nähte, und eine Form, die bleibt. Kalt waschen, langsam trocknen.",
            "Ein Begleiter für den Morgen zu Hause und für lange Tage draußen.",
            "In kleinen Serien gefertigt. Farben können vom Bildschirm etwas abweichen.",
        ),
        *(
            (
                "klassisch",
                "weich",
                "leicht",
                "hell",
                "ruhig",
                "robust",
                "elegant",
                "gemütlich",
                "frisch",
                "modern",
            ),
            ("Baumwolle", "Leinen", "Wolle", "Eiche", "Stahl", "Glas", "Bambus", "Kork", "Samt", "Ton"),
        ),
        (
            *(
                "Hemd",
                "Pullover",
                "Hose",
                "Sneaker",
                "Lippenstift",
                "Creme",
                "Becher",
                "Messer",
                "Decke",
                "Lampe",
            ),
            *("Kerze", "Bettwäsche", "Rucksack", "Flasche", "Puzzle", "Stuhl", "Notizbuch", "Kissen"),
            *("Kopfhörer", "Uhr"),
        ),
        ("schwarz", "weiß", "sand", "koralle", "marine", "salbei", "beere", "ocker", "schiefer", "rosé"),
        "Farbe",
        "Größe",
        (
            "Alltag",
            "Geschenk",
            "neu",
            "beliebt",
            "Sommer",
            "Winter",
            "bio",
            "vegan",
            "reduziert",
            "limitiert",
        ),
    ),
    "fr": Tongue(
        "{noun} {quality} en {stuff} {series}",
        (
            "{noun} de la série {series} en {stuff}, pour tous les jours.",
            "Une matière douce, des coutures soignées et une forme qui reste. Laver à froid.",
            "Le compagnon des matins à la maison et des longues journées dehors.",
            "Fabriqué en petites séries. Les couleurs peuvent différer un peu de l'écran.",
        ),
        *(
            (
                "classique",
                "doux",
                "léger",
                "clair",
                "calme",
                "solide",
                "élégant",
                "chaleureux",
                "frais",
                "moderne",
            ),
            ("coton", "lin", "laine", "chêne", "acier", "verre", "bambou", "liège", "velours", "argile"),
        ),
        (
            *(
                "chemise",
                "pull",
                "pantalon",
                "basket",
                "rouge à lèvres",
                "crème",
                "tasse",
                "couteau",
                "couverture",
            ),
            *("lampe", "bougie", "linge de lit", "sac à dos", "bouteille", "puzzle", "chaise", "carnet"),
            *("coussin", "casque", "montre"),
        ),
        ("noir", "blanc", "sable", "corail", "marine", "sauge", "baie", "ocre", "ardoise", "rose"),
        "Couleur",
        "Taille",
        ("quotidien", "cadeau", "nouveau", "préféré", "été", "hiver", "bio", "végane", "soldes", "limité"),
    ),
    "es": Tongue(
        "{noun} {quality} de {stuff} {series}",
        (
            "{noun} de la serie {series}, de {stuff}, para todos los días.",
            "Un material suave, costuras cuidadas y una forma que permanece. Lavar en frío.",
            "Compañía para las mañanas en casa y los días largos fuera.",
            "Hecho en series pequeñas. Los colores pueden variar un poco en la pantalla.",
        ),
        *(
            (
                "clásico",
                "suave",
                "ligero",
                "claro",
                "tranquilo",
                "robusto",
                "elegante",
                "cálido",
                "fresco",
                "moderno",
            ),
            ("algodón", "lino", "lana", "roble", "acero", "vidrio", "bambú", "corcho", "terciopelo", "barro"),
        ),
        (
            *(
                "camisa",
                "jersey",
                "pantalón",
                "zapatilla",
                "pintalabios",
                "crema",
                "taza",
                "cuchillo",
                "manta",
            ),
            *("lámpara", "vela", "ropa de cama", "mochila", "botella", "puzle", "silla", "cuaderno", "cojín"),
            *("auriculares", "reloj"),
        ),
        ("negro", "blanco", "arena", "coral", "marino", "salvia", "baya", "ocre", "pizarra", "rosa"),
        "Color",
        "Talla",
        (
            "diario",
            "regalo",
            "nuevo",
            "favorito",
            "verano",
            "invierno",
            "bio",
            "vegano",
            "rebajas",
            "limitado",
        ),
    ),
    "it": Tongue(
        "{noun} {quality} in {stuff} {series}",
        (
            "{noun} della serie {series} in {stuff}, per ogni giorno.",
            "Un materiale morbido, cuciture curate e una forma che resta. Lavare a freddo.",
            "Compagnia per le mattine a casa e le lunghe giornate fuori.",
            "Prodotto in piccole serie. I colori possono variare un poco sullo schermo.",
        ),
        *(
            (
                "classico",
                "morbido",
                "leggero",
                "chiaro",
                "quieto",
                "robusto",
                "elegante",
                "caldo",
                "fresco",
                "moderno",
            ),
            (
                "cotone",
                "lino",
                "lana",
                "rovere",
                "acciaio",
                "vetro",
                "bambù",
                "sughero",
                "velluto",
                "argilla",
            ),
        ),
        (
            *(
                "camicia",
                "maglione",
                "pantaloni",
                "scarpa",
                "rossetto",
                "crema",
                "tazza",
                "coltello",
                "coperta",
            ),
            *(
                "lampada",
                "candela",
                "lenzuola",
                "zaino",
                "bottiglia",
                "puzzle",
                "sedia",
                "quaderno",
                "cuscino",
            ),
            *("cuffie", "orologio"),
        ),
        ("nero", "bianco", "sabbia", "corallo", "blu", "salvia", "bacca", "ocra", "ardesia", "rosa"),
        "Colore",
        "Taglia",
        (
            "quotidiano",
            "regalo",
            "nuovo",
            "preferito",
            "estate",
            "inverno",
            "bio",
            "vegano",
            "saldi",
            "limitato",
        ),
    ),
    "ru": Tongue(
        "{noun} {quality} {stuff} {series}",
        (
            "{noun} из серии {series}, материал: {stuff}. На каждый день.",
            "Мягкий материал, ровные швы и форма, которая остаётся. Стирать в холодной воде.",
            "Для утра дома и для долгих дней на улице.",
            "Делается небольшими сериями. Цвет может немного отличаться от экрана.",
        ),
        *(
            (
                "классика",
                "мягкий",
                "лёгкий",
                "светлый",
                "тихий",
                "прочный",
                "стильный",
                "уютный",
                "свежий",
                "новый",
            ),
            ("хлопок", "лён", "шерсть", "дуб", "сталь", "стекло", "бамбук", "пробка", "бархат", "глина"),
        ),
        (
            *("рубашка", "свитер", "брюки", "кроссовки", "помада", "крем", "кружка", "нож", "плед", "лампа"),
            *("свеча", "постельное бельё", "рюкзак", "бутылка", "пазл", "стул", "тетрадь", "подушка"),
            *("наушники", "часы"),
        ),
        ("чёрный", "белый", "песок", "коралл", "синий", "шалфей", "ягода", "охра", "сланец", "розовый"),
        "Цвет",
        "Размер",
        ("каждый день", "подарок", "новинка", "хит", "лето", "зима", "эко", "веган", "скидка", "редкость"),
    ),
}
# How often each is used, in the order of TONGUES.
SHARES = (40, 22, 14, 10, 8, 6)

PLACES = (
    "Linden",
    "Harbour",
    "Meadow",
    "Orchard",
    "Lantern",
    "Pebble",
    "Willow",
    "Copper",
    "Juniper",
    "Thistle",
)
TRADES = ("Works", "Studio", "House", "Goods", "Mill", "Atelier", "Supply", "Bureau", "Yard", "Loom")
SYLLABLES = ("ba", "da", "fo", "gi", "ka", "lu", "ma", "ni", "po", "ra", "se", "ti", "vo", "za", "mi", "lo")
