"""Folding: a disguised word is the same word, and a word inside another is another."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.moderation import folding

words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=10)
accents = st.sampled_from(["", "\u0301", "\u0308", "\u0336", "\u20dd"])
nothing = st.sampled_from(["", "\u200b", "\u200d", "\u00ad", "\ufe0f", "\u2060", "\u202e"])


def found(word: str, text: str) -> bool:
    plain, line = folding.folded(word), folding.folded(text)
    there = folding.pattern(plain).search(line) is not None
    # Whoever asks first whether the letters occur at all misses nothing.
    assert not there or folding.skeleton(folding.bare(plain)) in folding.skeleton(line)
    return there


@st.composite
def disguised(draw: st.DrawFn) -> tuple[str, str]:
    word = draw(words)
    between = draw(st.sampled_from(["", ".", "-", "*", " ", " . ", "_"]))
    letters = []
    for letter in word:
        shape = draw(st.sampled_from([letter, letter.upper(), _wide(letter), _bold(letter)]))
        letters.append(shape + draw(accents) + draw(nothing))
    return word, between.join(letters)


def _wide(letter: str) -> str:
    return chr(ord(letter) - ord("a") + 0xFF41)


def _bold(letter: str) -> str:
    return chr(ord(letter) - ord("a") + 0x1D41A)


@given(disguised(), st.sampled_from(["", "so ", "«", "!!"]), st.sampled_from(["", " you", "!", "…"]))
def test_a_word_in_disguise_is_found(pair: tuple[str, str], before: str, after: str) -> None:
    word, text = pair

    assert found(word, before + text + after)


@given(words, st.integers(3, 9), st.data())
def test_a_word_drawn_out_is_found(word: str, times: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))

    assert found(word, word[:place] + word[place] * times + word[place + 1 :])


@given(words, words, words)
def test_a_word_inside_another_is_not_found(before: str, word: str, after: str) -> None:
    for text in (before + word, word + after, before + word + after):
        # Unless the letters around happen to draw the word out.
        if len(set(word)) > 1 and before[-1] != word[0] and after[0] != word[-1]:
            assert not found(word, text)


@given(st.text(max_size=120))
def test_folding_takes_any_text_and_is_done_in_one_go(text: str) -> None:
    once = folding.folded(text)

    assert folding.folded(once) == once
    assert not any(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in once)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("col", "cool"),
        ("god", "good"),
        ("ass", "pass it"),
        ("ass", "as soft as silk"),
        ("ass", "as S or M"),
        ("bet", "alphabet"),
        ("cheap bag", "cheaply bagged"),
    ],
)
def test_another_word_is_not_found(word: str, text: str) -> None:
    assert not found(word, text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cheap bag", "a CHEAP   bag!"),
        ("cheap bag", "cheap bàg"),
        ("pass", "p\u0430ss"),  # a Cyrillic letter among Latin ones
        ("cool", "coooool"),
        ("便宜", "真的很便宜啊"),
        ("дешево", "ДЕШЕВО!"),
        ("straße", "STRASSE"),
        ("hot-tub", "a hot-tub"),
        ("hot-tub", "a hottub"),
        ("f*ck", "f.c.k"),
        ("c++ junk", "C++  junk!"),
    ],
)
def test_the_same_word_is_found(word: str, text: str) -> None:
    assert found(word, text)


@pytest.mark.parametrize(
    "word", ["!?!?!?!?a", "a-a-a-a-a-a-b", "_._._._.a", "......aa", "a b a b a b c", "a1" * 30]
)
@pytest.mark.parametrize("part", ["!?", "a", "a-", "_.", ".", "a b ", "a1", "-a ", "a!?"])
def test_no_word_of_a_host_takes_long_to_look_for(word: str, part: str) -> None:
    text = (part * 200)[:200]
    began = time.thread_time()
    found(word, text)

    assert time.thread_time() - began < 0.1


def test_words_of_other_scripts_stay_what_they_are() -> None:
    assert folding.folded("Привет") == "привет"
    assert folding.folded("Καλησπερα") == "καλησπερα"
