"""Draws the demo's pictures: `python config/demo/draw.py` rewrites pictures/ from shapes/ and pictures.csv.

A shape is an SVG whose paints may be tokens: "@a" is colour a of its line in pictures.csv, "@a+" and "@a--"
are lighter and darker tints of it, "@cyl a" is light falling on a cylinder of that colour.
`<use href="mug" a="red"/>` takes in another shape, with its own colours.
"""

import csv
import pathlib
import re
from collections.abc import Iterator

HERE = pathlib.Path(__file__).parent
LIGHT, DARK, STEP = (255, 252, 246), (38, 18, 52), 0.17
COLOURS = {
    "ink": "#26123a", "white": "#fdfbf7", "black": "#35323a", "cream": "#f4e8d6", "gold": "#d8a84e",
    "steel": "#b4bcc6", "rosegold": "#dba08c", "wood": "#c78d56", "leaf": "#4d8b5c", "glass": "#dcebee",
}  # fmt: skip
ROUND = 'cx=".36" cy=".28" r=".78"'
DOWN = 'x2="0" y2="1"'
# How light falls: the gradient's attributes, then its stops as (place, tint, opacity).
LIGHTS: dict[str, tuple[str, list[tuple[float, float, float]]]] = {
    "cyl": (
        "",
        [(0, -1.5, 1), (0.1, -0.5, 1), (0.27, 1.7, 1), (0.42, 0.3, 1), (0.76, -0.8, 1), (1, -2.2, 1)],
    ),
    "metal": (
        "",
        [(0, -2, 1), (0.12, 0.2, 1), (0.25, 4, 1), (0.38, 0.6, 1), (0.6, -1.4, 1), (0.8, 2, 1), (1, -2.2, 1)],
    ),
    "glass": (
        "",
        [(0, -1, 0.85), (0.14, 1, 0.45), (0.3, 3, 0.6), (0.7, 1, 0.35), (0.9, -0.5, 0.6), (1, -1.6, 0.9)],
    ),
    "fall": (DOWN, [(0, 1, 1), (1, -1, 1)]),
    "rise": (DOWN, [(0, -1.4, 1), (1, 0.6, 1)]),
    "side": ('x2="1" y2="1"', [(0, 1.3, 1), (0.5, 0, 1), (1, -1.2, 1)]),
    "ball": (ROUND, [(0, 2.2, 1), (0.45, 0, 1), (1, -1.9, 1)]),
    "wall": ('cx=".34" cy=".24" r="1"', [(0, 2.4, 1), (0.5, 0.6, 1), (1, -0.25, 1)]),
    "sheen": ('x2="1" y2="1"', [(0, 1.2, 1), (1, -0.15, 1)]),
    "stone": ("", [(0, -0.3, 1), (0.3, 1, 1), (1, -0.7, 1)]),
    "glow": ("", [(0, 0, 1), (0.45, 0, 0.55), (1, 0, 0)]),
    "fade": (DOWN, [(0, 0, 0), (1, 0, 1)]),
}
RADIAL = {"ball", "wall", "glow"}
TOKEN = re.compile(r'"@(?:(\w+) )?(#?\w+)([+-]*)"')
USE = re.compile(r'<use href="([\w-]+)"((?: [a-d]="#?\w+")*)/>')


def tint(colour: str, steps: float) -> str:
    """The colour so many steps lighter (or darker, when negative), as #rrggbb."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    towards, share = (LIGHT if steps > 0 else DARK), abs(steps) * STEP
    if steps < 0:
        share *= 1.1 - 0.55 * min(parts) / 255  # a pale thing has pale shadows
    return "#" + "".join(
        f"{round(p + (t - p) * min(share, 1)):02x}" for p, t in zip(parts, towards, strict=True)
    )


def deepen(colour: str) -> str:
    """The colour multiplied by itself: darker, and not greyer."""
    return "#" + "".join(f"{int(colour[i : i + 2], 16) ** 2 // 255:02x}" for i in (1, 3, 5))


def gradient(name: str, light: str, colour: str) -> str:
    """The SVG gradient of one light on one colour."""
    attributes, stops = LIGHTS[light]
    inner = "".join(
        f'<stop offset="{place:g}" stop-color="{tint(colour, steps)}"'
        + (f' stop-opacity="{opacity:g}"/>' if opacity < 1 else "/>")
        for place, steps, opacity in stops
    )
    kind = "radialGradient" if light in RADIAL else "linearGradient"
    return f'<{kind} id="{name}" {attributes}>{inner}</{kind}>'.replace(" >", ">")


def shape(name: str) -> str:
    """What is inside a shape file, with the shapes that it uses put in."""
    text = (HERE / "shapes" / f"{name}.svg").read_text()
    inner = text[text.index(">") + 1 : text.rindex("</svg>")]
    return USE.sub(lambda found: recolour(shape(found[1]), found[2]), inner)


def recolour(body: str, colours: str) -> str:
    """The body with its colours a to d replaced as `a="red" b="#ffcc00"` says."""
    chosen = dict(re.findall(r'([a-d])="(#?\w+)"', colours))

    def swap(found: re.Match[str]) -> str:
        light, colour, signs = found.groups()
        return f'"@{light + " " if light else ""}{chosen.get(colour, colour)}{signs}"'

    return TOKEN.sub(swap, body)


def picture(body: str, colours: dict[str, str], box: str = "0 0 800 800") -> str:
    """One finished SVG: the body with its tokens turned into colours and gradients."""
    defs: dict[str, tuple[str, str]] = {}

    def paint(found: re.Match[str]) -> str:
        light, colour, signs = found.groups()
        named = colour if colour.startswith("#") else {**COLOURS, **colours}[colour]
        shown = tint(named, signs.count("+") - signs.count("-"))
        if light is None:
            return f'"{shown}"'
        key = f"{light} {shown}"
        name = defs[key][0] if key in defs else f"g{len(defs)}"
        defs[key] = (name, gradient(name, light, shown))
        return f'"url(#{name})"'

    painted = re.sub(r">\s+<", "><", TOKEN.sub(paint, re.sub(r"<!--.*?-->", "", body)))
    gradients = "".join(text for _, text in defs.values())
    root = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">'
    return f"{root}<defs>{gradients}</defs>{painted.strip()}</svg>\n"


def pictures() -> Iterator[tuple[str, str]]:
    """Every picture as (file name, SVG text), in the order of pictures.csv."""
    with (HERE / "pictures.csv").open(newline="") as lines:
        for line in csv.DictReader(lines):
            colours = {key: line[key] for key in "wvabcd" if line[key]}
            colours.setdefault("v", deepen(line["w"]))
            colours["u"] = deepen(colours["v"])
            body = "".join(shape(name) for name in line["shapes"].split())
            yield f"{line['name']}.svg", picture(body, colours, line["box"] or "0 0 800 800")


if __name__ == "__main__":
    for name, text in pictures():
        (HERE / "pictures" / name).write_text(text)
