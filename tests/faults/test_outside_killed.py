"""A worker killed as by `kill -9` with what it had fetched: another goes on, and nothing is there twice."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog import tasks
from catalog.feeds import gathering, sources
from catalog.media import images, pictures
from catalog.models import FeedFetch, FeedSource, Import, Picture, Product, ProductImage
from commerce import clock
from tests.catalog import make
from tests.catalog.photos import shot
from tests.commerce.outside.server import Page, serving
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def env(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What our workers are told; their files and half-done folders are where ours are looked for."""
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    settings.MEDIA_ROOT = tmp_path / "var" / "media"
    half_done = tmp_path / "tmp"
    half_done.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(half_done))
    return {
        "WEBHOOK_ALLOW_LOOPBACK": "true",
        "VAR_DIR": str(tmp_path / "var"),
        "TMPDIR": str(half_done),
    }


def files(below: Path) -> list[str]:
    return sorted(path.name for path in below.rglob("*") if path.is_file())


@pytest.mark.parametrize("point", ["feed.fetched"])
def test_a_feed_whose_fetcher_was_killed_is_imported_once(
    own_worker: Start, env: dict[str, str], tmp_path: Path, point: str
) -> None:
    with serving() as site:
        site.pages["/feed"] = Page(make.simple_feed(2), headers={"ETag": '"one"'})
        row = sources.create(
            merchant_id=make.merchant().pk,
            url=site.url("/feed"),
            every_minutes=60,
            daily_at_hour=None,
            username="",
            password="",
            enabled=True,
            now=clock.database_now(),
        )
        dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}", **env)
        tasks.fetch_feeds.delay()
        relay_until(lambda: not dying.alive())

        assert (site.paths, Import.objects.count()) == (["/feed"], 0)
        assert [each.outcome for each in row.fetches.all()] == ["running"]
        assert gathering.claim(limit=10, now=clock.database_now()) == []

        FeedSource.objects.update(leased_until=clock.database_now() - timedelta(seconds=1))
        own_worker(**env)
        tasks.fetch_feeds.delay()
        relay_until(lambda: Import.objects.filter(status="done").exists())

        row.refresh_from_db()
        tasks.fetch_feeds.delay()
        assert (row.leased_until, row.attempt, len(site.asked)) == (None, 2, 2)
    told = FeedFetch.objects.order_by("id").values_list("outcome", "code")
    assert list(told) == [("failed", "LOST"), ("imported", "")]
    assert (Import.objects.count(), Product.objects.count()) == (1, 2)


@pytest.mark.parametrize("point", ["image.files_written"])
@pytest.mark.parametrize("wanted", [True, False], ids=["wanted", "removed meanwhile"])
def test_a_picture_whose_maker_was_killed_is_made_once_and_leaves_nothing(
    own_worker: Start, env: dict[str, str], tmp_path: Path, settings: Any, point: str, wanted: bool
) -> None:
    with serving() as site:
        site.pages["/a.jpg"] = Page(shot())
        product = make.product(make.merchant(), images=[images.Image(site.url("/a.jpg"))])
        dying = own_worker(FAULT=f"{point}:{tmp_path / 'died'}", **env)
        tasks.look_at_pictures.delay()
        relay_until(lambda: not dying.alive())

        image = product.images.get()
        assert (image.state, image.tries, Picture.objects.get().renditions) == ("waiting", 1, [])
        written = files(settings.MEDIA_ROOT)
        assert len(written) == 2
        assert files(tmp_path / "tmp"), "what it had opened is left"
        assert pictures.claim(limit=10, now=clock.database_now()) == []

        later = clock.database_now() + timedelta(hours=2)
        if wanted:
            ProductImage.objects.update(due_at=clock.database_now())
            own_worker(**env)
            tasks.look_at_pictures.delay()
            relay_until(lambda: product.images.filter(state="ready").exists())
            assert product.images.get().tries == 2
        else:
            images.remove(
                merchant_id=product.merchant_id, product_id=product.pk, image_id=image.pk, now=later
            )

    pictures.sweep(now=later)
    pictures.sweep(now=later + pictures.GRACE)
    assert files(settings.MEDIA_ROOT) == (written if wanted else [])
    assert Picture.objects.count() == int(wanted)
    assert files(tmp_path / "tmp") == []
