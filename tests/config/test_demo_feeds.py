"""The demo's own data: feeds that a merchant could have exported, and pictures that a page can show."""

import csv
import pathlib
import re
import runpy
from collections import Counter, defaultdict
from xml.etree import ElementTree

import pytest

DEMO = pathlib.Path(__file__).parents[2] / "config" / "demo"
LOGO = DEMO.parents[1] / "commerce" / "static" / "commerce" / "logo.svg"
FEEDS = ("demo-beauty.csv", "demo-home.csv")
PICTURES = sorted((DEMO / "pictures").glob("*.svg"))
COLUMNS = """Handle|Title|Body (HTML)|Vendor|Type|Tags|Published
Option1 Name|Option1 Value|Option2 Name|Option2 Value|Option3 Name|Option3 Value
Variant SKU|Variant Grams|Variant Inventory Tracker|Variant Inventory Qty|Variant Inventory Policy
Variant Fulfillment Service|Variant Price|Variant Compare At Price|Variant Requires Shipping|Variant Taxable
Variant Barcode|Image Src|Image Position|Image Alt Text|Gift Card|SEO Title|SEO Description
Google Shopping / Google Product Category|Google Shopping / Gender|Google Shopping / Age Group
Google Shopping / MPN|Google Shopping / AdWords Grouping|Google Shopping / AdWords Labels
Google Shopping / Condition|Google Shopping / Custom Product|Google Shopping / Custom Label 0
Google Shopping / Custom Label 1|Google Shopping / Custom Label 2|Google Shopping / Custom Label 3
Google Shopping / Custom Label 4|Variant Image|Variant Weight Unit|Variant Tax Code""".replace(
    "\n", "|"
).split("|")

Row = dict[str, str]


def rows_of(feed: str) -> list[Row]:
    with (DEMO / "feeds" / feed).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, strict=True))


def variants_of(feed: str) -> list[Row]:
    return [row for row in rows_of(feed) if row["Variant Price"]]


ALL_VARIANTS = [row for feed in FEEDS for row in variants_of(feed)]


def gtin_is_valid(code: str) -> bool:
    """The check digit rule of GTIN-13: weights 1 and 3 in turn, the sum a multiple of ten."""
    return (
        bool(re.fullmatch(r"\d{13}", code))
        and sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(code)) % 10 == 0
    )


@pytest.mark.parametrize("feed", FEEDS)
def test_feed_has_the_whole_header_and_no_ragged_row(feed: str) -> None:
    with (DEMO / "feeds" / feed).open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines, strict=True)
    assert header == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}


@pytest.mark.parametrize("feed", FEEDS)
def test_rows_of_a_product_stand_together_and_only_the_first_is_titled(feed: str) -> None:
    groups: list[list[Row]] = []
    for row in rows_of(feed):
        if groups and groups[-1][0]["Handle"] == row["Handle"]:
            groups[-1].append(row)
        else:
            groups.append([row])
    assert max(Counter(group[0]["Handle"] for group in groups).values()) == 1
    for first, *others in groups:
        assert all(
            first[column]
            for column in ("Title", "Body (HTML)", "Vendor", "Type", "Option1 Name", "Image Src")
        )
        assert not any(row["Title"] or row["Option1 Name"] for row in others)
        options = [
            tuple(r[f"Option{i} Value"] for i in (1, 2, 3)) for r in (first, *others) if r["Variant Price"]
        ]
        assert len(options) == len(set(options))


def test_counts_are_as_promised() -> None:
    products = {feed: {row["Handle"] for row in rows_of(feed)} for feed in FEEDS}
    assert all(len(handles) >= 24 for handles in products.values())
    assert not products[FEEDS[0]] & products[FEEDS[1]]
    assert len(ALL_VARIANTS) >= 100
    assert {"Shade", "Color", "Size"} <= {r[f"Option{i} Name"] for r in ALL_VARIANTS for i in (1, 2)}
    assert any(row["Image Src"] and not row["Variant Price"] for feed in FEEDS for row in rows_of(feed))


def test_skus_and_barcodes_are_unique_and_barcodes_valid_for_use_inside_a_shop() -> None:
    skus, codes = ([row[column] for row in ALL_VARIANTS] for column in ("Variant SKU", "Variant Barcode"))
    assert all(skus)
    assert len(set(skus)) == len(skus)
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not (gtin_is_valid(code) and code.startswith("2"))] == []


def test_prices_stock_and_weights_make_sense() -> None:
    for row in ALL_VARIANTS:
        assert re.fullmatch(r"[1-9]\d*\.\d\d", row["Variant Price"])
        if row["Variant Compare At Price"]:
            assert float(row["Variant Compare At Price"]) > float(row["Variant Price"])
        assert 0 <= int(row["Variant Inventory Qty"]) <= 500
        assert int(row["Variant Grams"]) > 0
    assert any(row["Variant Compare At Price"] for row in ALL_VARIANTS)
    assert any(row["Variant Inventory Qty"] == "0" for row in ALL_VARIANTS)


def test_one_lipstick_has_exactly_500_pieces() -> None:
    types = {row["Handle"]: row["Type"] for feed in FEEDS for row in rows_of(feed) if row["Type"]}
    full = [row["Handle"] for row in ALL_VARIANTS if row["Variant Inventory Qty"] == "500"]
    assert [types[handle] for handle in full] == ["Lipstick"]


@pytest.mark.parametrize("feed", FEEDS)
def test_every_picture_named_exists_and_positions_count_from_one(feed: str) -> None:
    names = {f"/demo/pictures/{path.name}" for path in PICTURES}
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows_of(feed):
        assert {row["Image Src"], row["Variant Image"]} - {""} <= names
        assert bool(row["Image Src"]) == bool(row["Image Position"]) == bool(row["Image Alt Text"])
        if row["Image Src"]:
            positions[row["Handle"]].append(int(row["Image Position"]))
    assert positions.keys() == {row["Handle"] for row in rows_of(feed)}
    assert all(found == list(range(1, len(found) + 1)) for found in positions.values())


def test_every_product_has_a_first_picture_of_its_own() -> None:
    first = [row["Image Src"] for feed in FEEDS for row in rows_of(feed) if row["Image Position"] == "1"]
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("path", [*PICTURES, LOGO], ids=lambda path: path.stem)
def test_picture_is_small_self_contained_svg_without_scripts(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < (40_000 if path.stem.startswith("studio-loop") else 8_000)
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox")
    nodes = list(root.iter())
    assert {node.tag.rpartition("}")[2] for node in nodes}.isdisjoint(
        {"script", "foreignObject", "image", "use", "text"}
    )
    assert not [
        name for node in nodes for name in node.attrib if name.lower().startswith("on") or "href" in name
    ]
    assert re.findall(r"https?:(?!//www\.w3\.org/2000/svg)|javascript:|data:|@import", text) == []
    painted = set(re.findall(r"url\(#(\w+)\)", text))
    assert painted <= {node.get("id") for node in nodes}


def test_pictures_are_what_the_drawing_script_draws() -> None:
    drawn = dict(runpy.run_path(str(DEMO / "draw.py"))["pictures"]())
    assert {path.name: path.read_text(encoding="utf-8") for path in PICTURES} == drawn


def test_hosts_merchants_and_studio_have_their_pictures() -> None:
    names = {path.stem for path in PICTURES}
    assert {"host-1", "host-2", "host-3", "merchant-beauty", "merchant-home"} <= names
    loops = [path for path in PICTURES if path.stem.startswith("studio-loop")]
    assert {path.stem for path in loops} == {"studio-loop", "studio-loop-2", "studio-loop-3"}
    for path in loops:
        text = path.read_text(encoding="utf-8")
        assert 'viewBox="0 0 1080 1920"' in text
        assert "prefers-reduced-motion" in text
