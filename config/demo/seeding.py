"""What there is when the demo begins. Every function may be called again and adds only what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, hashers
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from catalog import bundles, products
from catalog.models import Price, Product, ProductImage, Variant
from catalog.pricing import prices
from commerce import accounts, cards, gateway, members, merchantkeys
from commerce.models import Customer, Host, Merchant, User
from commerce.money import Money
from commerce.scopes import SCOPES
from config.demo import cast, doors
from config.demo.notebook import Notebook
from orders import checkout, quotes
from orders.carts import policies
from orders.models import CartPolicy
from streams import pins, showcase, shows
from streams.models import ShowcaseItem, Stream

FEEDS = Path(__file__).with_name("feeds")
PICTURES = "/demo/pictures/"
Say = Callable[[str], None]


# --- who ---


def people(book: Notebook) -> None:
    """Operator, merchants with keys, hosts, shoppers with addresses; the script's sessions are made anew."""
    encoded = _encoded(book.password)
    _user(cast.OPERATOR, "Operator", encoded, is_staff=True, is_superuser=True)
    for presenter in cast.PRESENTERS:
        user = _user(presenter.email, presenter.name, encoded)
        Host.objects.get_or_create(
            slug=presenter.slug,
            defaults={
                "user": user,
                "name": presenter.name,
                "bio": presenter.bio,
                "avatar_url": f"{PICTURES}{presenter.portrait}.svg",
            },
        )
    for shopper in cast.SHOPPERS:
        user = _user(shopper.email, shopper.name, encoded)
        if not accounts.addresses_of(user.id):
            accounts.save_address(
                user_id=user.id,
                name=shopper.name,
                line1=shopper.street,
                city=shopper.city,
                postal_code=shopper.postal_code,
                country=shopper.country,
            )
    keeper = _user(cast.SHOPKEEPER, "Nora", encoded)
    for seller in cast.SELLERS:
        _merchant(seller, book)
        merchant = Merchant.objects.get(slug=seller.slug)
        if not merchant.members.filter(user=keeper).exists():
            members.add(merchant_id=merchant.pk, user_id=keeper.pk, role="owner", by=merchantkeys.By())
    _sessions(book, [*(each.email for each in cast.PRESENTERS), *(each.email for each in cast.AUDIENCE)])


def _encoded(password: str) -> str:
    """The hash that all users of the demo share: hashing is slow on purpose, and they have one password."""
    known = User.objects.filter(email=cast.OPERATOR).values_list("password", flat=True).first()
    if known is not None and hashers.check_password(password, known):
        return known
    return hashers.make_password(password)


def _user(email: str, name: str, encoded: str, **fields: bool) -> User:
    user, _ = User.objects.get_or_create(email=email, defaults={"name": name, "password": encoded, **fields})
    if user.password != encoded:
        # The notebook was lost, or somebody has changed the password: the card shows what is valid.
        user.password = encoded
        user.save(update_fields=["password"])
    return user


def _merchant(seller: cast.Seller, book: Notebook) -> None:
    merchant, _ = Merchant.objects.get_or_create(
        slug=seller.slug,
        defaults={
            "name": seller.name,
            "logo_url": seller.logo,
            "host_commission_bp": seller.host_commission_bp,
            "platform_fee_bp": seller.platform_fee_bp,
        },
    )
    if not _opens(book.api_keys.get(seller.slug, ""), merchant):
        by = merchantkeys.By()
        for lost in merchant.keys.filter(name="demo", revoked_at=None):
            merchantkeys.revoke(key_id=lost.pk, now=timezone.now(), by=by)
        _, book.api_keys[seller.slug] = merchantkeys.make(
            merchant_id=merchant.pk, name="demo", scopes=SCOPES, by=by
        )


def _opens(key: str, merchant: Merchant) -> bool:
    found = merchantkeys.of_text(key, now=timezone.now())
    return found is not None and found.merchant_id == merchant.pk


def _sessions(book: Notebook, emails: Iterable[str]) -> None:
    Session.objects.filter(pk__in=book.sessions.values()).delete()
    book.sessions = {}
    for user in User.objects.filter(email__in=emails):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        book.sessions[user.email] = str(session.session_key)


def saved_cards(now: datetime) -> None:
    """The shoppers' test cards, saved at the provider as their own, the first one paying."""
    for shopper in cast.SHOPPERS:
        user = User.objects.get(email=shopper.email)
        customer = Customer.objects.filter(user=user).first()
        if customer is None:
            provider_id = gateway.ensure_customer(user_id=user.id, email=user.email, name=user.name)
            customer = Customer.objects.create(user=user, provider_id=provider_id)
        kept = cards.of(user.id) or cards.sync(user_id=user.id, now=now)
        for card in shopper.cards[len(kept) :]:
            gateway.attach(customer=customer.provider_id, card_id=card)
            cards.sync(user_id=user.id, now=now)


# --- what ---


def send_feed(seller: cast.Seller, book: Notebook, base: str, say: Say) -> None:
    """A merchant's goods, sent through the door of all merchants; what was read is not sent again."""

    def told(job: doors.Body) -> None:
        say(f"{seller.name}: row {job['rows_done']} of {job['rows_total']}")

    door = doors.merchant(base, book.api_keys[seller.slug])
    try:
        body = feed(seller, base)
        sha256 = hashlib.sha256(body).hexdigest()
        earlier = door.ask("GET", "catalog/imports", params={"page_size": 200})["results"]
        if any(job["sha256"] == sha256 and job["status"] == "done" for job in earlier):
            return
        job = doors.send_feed(door, name=seller.feed, body=body, told=told)
        if job["status"] == "failed":
            raise RuntimeError(f"{seller.feed} was not taken: {job['error']}")
        known = f", {job['products_updated']} known before" if job["products_updated"] else ""
        say(f"{seller.name}: {job['products_created']} new products{known}")
    finally:
        door.close()


def prior_prices(now: datetime) -> None:
    """Let the first prices of the demo's goods have begun two months ago.

    The merchants of the story have sold for longer than the demo runs, and without 30 days of prices on
    record no offer may show one struck through.
    """
    changed = Price.objects.exclude(valid_to=None).values("variant")
    first = Price.objects.filter(merchant__slug__in=[seller.slug for seller in cast.SELLERS], valid_to=None)
    first.exclude(variant__in=changed).filter(valid_from__gt=now - timedelta(days=60)).update(
        valid_from=now - timedelta(days=60)
    )


def drawings(base: str) -> int:
    """Let the demo's pictures be shown as they are named, and nobody fetch them; returns how many there are.

    They are SVG, and at this site's own address, which is not on the public internet. What a worker has found
    wrong with one, or is about to, is forgotten. Those from when the demo was on other ports move along.
    """
    rows = ProductImage.objects.filter(merchant__slug__in=[seller.slug for seller in cast.SELLERS])
    drawn = rows.filter(url__contains=PICTURES).exclude(state=ProductImage.State.READY)
    here = drawn.filter(url__startswith=base + PICTURES)
    known = set(here.values_list("product_id", "url"))
    for image in drawn.exclude(pk__in=here.values("pk")).order_by("product_id", "position", "id"):
        image.url = base + PICTURES + image.url.partition(PICTURES)[2]
        if (image.product_id, image.url) in known:
            image.delete()
        else:
            image.save(update_fields=["url"])
            known.add((image.product_id, image.url))
    return drawn.update(
        state=ProductImage.State.WAITING, code="", reason="", tries=0, due_at=datetime.max.replace(tzinfo=UTC)
    )


def specials(now: datetime) -> None:
    """What no feed says: a bundle, a scent that is released in some days, and goods held for carts."""
    merchant_id = Merchant.objects.get(slug=cast.SELLERS[0].slug).id
    hers = Variant.objects.filter(merchant_id=merchant_id)
    parts = hers.filter(sku__in=cast.BUNDLE.parts).values_list("id", flat=True)
    bundle = hers.get(product__handle=cast.BUNDLE.handle)
    bundles.set_parts(merchant_id=merchant_id, bundle_id=bundle.id, parts=dict.fromkeys(parts, 1), now=now)
    early = hers.get(product__handle=cast.PREORDER)
    if early.release_at is None or early.release_at <= now + timedelta(days=1):
        changes = {"release_at": now + timedelta(days=cast.RELEASED_IN_DAYS)}
        products.change_variant(merchant_id=merchant_id, variant_id=early.id, changes=changes, now=now)
    if not CartPolicy.objects.filter(merchant_id=merchant_id).exists():
        policies.set_policy(merchant_id=merchant_id, hold_seconds=cast.HOLD_SECONDS, now=now)


def feed(seller: cast.Seller, base: str) -> bytes:
    """The merchant's feed, its pictures at this site's address."""
    return (FEEDS / seller.feed).read_text(encoding="utf-8").replace(PICTURES, base + PICTURES).encode()


# --- when ---


def live_show(now: datetime) -> Stream:
    """The show that is on, with a full showcase and a pin; planned and begun when there is none."""
    host = Host.objects.get(slug=cast.LIVE.host)
    stream = Stream.objects.filter(host=host, status=Stream.Status.LIVE).first()
    if stream is None:
        stream = _planned(cast.LIVE, starts_at=now)
        stream = shows.go_live(host_id=host.id, stream_id=stream.id, now=now, by_id=host.user_id)
    first = ShowcaseItem.objects.filter(stream=stream, removed_at=None).order_by("position").first()
    if first is not None and pins.current(stream_id=stream.id) is None:
        pins.pin(host_id=host.id, stream_id=stream.id, item_id=first.id, now=now)
    return stream


def planned_shows(now: datetime) -> None:
    """The shows that come next: tomorrow at six in the evening, the day after, and so on."""
    for days, show in enumerate(cast.PLANNED, start=1):
        at = (now + timedelta(days=days)).replace(hour=18, minute=0, second=0, microsecond=0)
        stream = _planned(show, starts_at=at)
        if stream.starts_at < now:
            shows.change(host_id=stream.host_id, stream_id=stream.id, starts_at=at)


def ended_show(now: datetime) -> None:
    """The show that is over, with what was sold in it; its purchases are charged like all others."""
    host = Host.objects.get(slug=cast.ENDED.host)
    if Stream.objects.filter(host=host, status=Stream.Status.ENDED).exists():
        return
    began = now - timedelta(minutes=95)
    stream = Stream.objects.filter(host=host, status=Stream.Status.LIVE).first()
    if stream is None:
        stream = _planned(cast.ENDED, starts_at=began)
        stream = shows.go_live(host_id=host.id, stream_id=stream.id, now=began, by_id=host.user_id)
    items = ShowcaseItem.objects.filter(stream=stream, removed_at=None).order_by("position")
    for minutes, item in enumerate(items):
        at = began + timedelta(minutes=15 * minutes + 2)
        pins.pin(host_id=host.id, stream_id=stream.id, item_id=item.id, now=at)
    buyers = iter(
        User.objects.filter(email__in=[each.email for each in cast.AUDIENCE[:-1]]).order_by("email")
    )
    for handle, count in cast.SOLD_BEFORE:
        variant = _products([handle])[0].variants.filter(stock__available__gt=count).order_by("position")[0]
        price = prices.current([variant.id])[variant.id]
        for _ in range(count):
            buyer = next(buyers)
            checkout.buy(
                buyer_id=buyer.id,
                key=uuid5(NAMESPACE_URL, f"{stream.slug}/{buyer.email}"),
                lines=[quotes.Wanted(variant.id, 1, None)],
                expect_total=Money(price.amount, price.currency),
                card_id=None,
                stream_id=stream.id,
                seen=None,
                now=now,
            )
    shows.end(host_id=host.id, stream_id=stream.id, now=now, by_id=host.user_id)


def _planned(show: cast.Show, *, starts_at: datetime) -> Stream:
    """The host's planned show with its showcase; the address is another one when the first was used up."""
    host = Host.objects.get(slug=show.host)
    picture = f"{PICTURES}{show.picture}.svg"
    stream = Stream.objects.filter(host=host, title=show.title, status=Stream.Status.SCHEDULED).first()
    if stream is None:
        stream = shows.plan(
            host_id=host.id,
            title=show.title,
            starts_at=starts_at,
            slug="" if Stream.objects.filter(slug=show.slug).exists() else show.slug,
            description=show.description,
            video_url=picture,
            poster_url=picture,
        )
    for product in _products(show.showcase):
        showcase.add(host_id=host.id, stream_id=stream.id, product_id=product.id, now=starts_at)
    return stream


def _products(handles: Iterable[str]) -> list[Product]:
    """The sellers' products with these handles, in this order."""
    sellers = [seller.slug for seller in cast.SELLERS]
    found = {
        product.handle: product
        for product in Product.objects.filter(merchant__slug__in=sellers, handle__in=handles)
    }
    return [found[handle] for handle in handles]
