"""A form may name any encoding: what it says is read, or refused, and nothing fails."""

import pytest
from django.conf import settings
from django.test import Client, override_settings

pytestmark = pytest.mark.django_db

FORM = b'--B\r\nContent-Disposition: form-data; name="username"\r\n\r\n\xc3\xbc@x.example\r\n--B--\r\n'
STRANGE = ["idna", "hex", "undefined", "rot13", "zip", "punycode"]
WITHOUT = [each for each in settings.MIDDLEWARE if each != "commerce.charsets.read_as_text"]


def status(charset: str) -> int:
    """Return what a sign-in form in that encoding is answered with."""
    kind = f"multipart/form-data; boundary=B; charset={charset}"
    client = Client(raise_request_exception=False)
    return client.generic("POST", "/admin/login/", FORM, content_type=kind).status_code


@pytest.mark.parametrize("charset", [*STRANGE, "utf-7", "utf-16", "nobody-s", "utf-8", "latin-1", "ascii"])
def test_a_form_is_read_whatever_encoding_it_names(charset: str) -> None:
    assert status(charset) == 200


@pytest.mark.parametrize("charset", STRANGE)
@override_settings(MIDDLEWARE=WITHOUT)
def test_control_without_a_look_at_it_reading_fails(charset: str) -> None:
    assert status(charset) == 500


@pytest.mark.parametrize(
    ("charset", "word"), [("latin-1", b"\xfc"), ("utf-8", b"\xc3\xbc"), ("hex", b"\xc3\xbc")]
)
def test_what_a_form_says_in_an_encoding_of_its_own_is_understood(charset: str, word: bytes) -> None:
    kind = f"multipart/form-data; boundary=B; charset={charset}"
    answer = Client().generic("POST", "/admin/login/", FORM.replace(b"\xc3\xbc", word), content_type=kind)
    assert 'value="ü@x.example"' in answer.content.decode()
