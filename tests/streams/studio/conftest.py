"""A host, a product of several, and her show before and while it is live."""

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Product
from commerce.models import Host
from streams import shows
from streams.models import Stream
from tests.streams import make
from tests.streams.studio.asking import client_of


@pytest.fixture
def host() -> Host:
    return make.host()


@pytest.fixture
def client(host: Host) -> Client:
    return client_of(host)


@pytest.fixture
def product() -> Product:
    return make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 4)))


@pytest.fixture
def planned(host: Host, product: Product) -> Stream:
    return make.show(host, live=False, products=(product, make.product("Two")))


@pytest.fixture
def live(host: Host, planned: Stream) -> Stream:
    return shows.go_live(host_id=host.id, stream_id=planned.id, now=timezone.now())
