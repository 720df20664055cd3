/**
 * What the page knows of the show: one state, changed only by the snapshot and by the room's events.
 * It draws nothing; those who draw say which parts they watch.
 */

/**
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {{id: string, title: string, options: Record<string, string>, price: Money, left: number,
 *   release_at: number | null, opens_at: number | null}} Variant `opens_at`: when it can be ordered, null: always.
 * @typedef {{id: string, position: number, price: Money | null, variants: Variant[],
 *   product: {id: string, title: string, image: string | null, description: string,
 *   merchant: {id: string, name: string}}}} Item
 * @typedef {{id: string, item: string, product: string, variant: string | null, price: Money, reference: Money | null,
 *   quota: number, left: number, per_buyer: number, starts_at: number, ends_at: number, waits: boolean,
 *   status: "announced" | "open" | "ended"}} Offer
 * @typedef {import("./coupons.js").Coupon} Coupon
 * @typedef {import("./coupons.js").Claim} Claim
 * @typedef {import("./lines.js").Line} ChatLine
 * @typedef {{id: string, slug: string, title: string, description: string,
 *   status: "scheduled" | "live" | "ended" | "cancelled", host: {id: string, name: string, avatar: string | null},
 *   cohosts: {id: string, name: string, avatar: string | null}[],
 *   video_url: string, poster_url: string, starts_at: number, live_at: number | null}} Stream
 * @typedef {"stream" | "pinned" | "items" | "offers" | "viewers" | "chat" | "line" | "mode" | "own" | "cart" |
 *   "purchases" | "coupons"} Part `line` is the comment above the chat, `own` what concerns the viewer alone.
 */

import { Lines } from "./lines.js";
import { Own } from "./own.js";

const HIDDEN_MS = 250; // A page that nobody sees draws no frames.

export class Show {
  constructor() {
    /** @type {Stream | null} */
    this.stream = null;
    /** @type {string | null} */
    this.pinned = null;
    /** @type {Item[]} */
    this.items = [];
    /** @type {Map<string, Offer>} by id */
    this.offers = new Map();
    /** @type {Map<string, Offer>} by item id, sold out while their time runs: one may line up at their price */
    this.soldOut = new Map();
    /** @type {Map<string, string>} item id to why its last offer ended */
    this.ended = new Map();
    /** @type {Map<string, Coupon>} by id, those that may be claimed */
    this.coupons = new Map();
    /** @type {Map<string, Claim>} by the coupon's id, one's own */
    this.claims = new Map();
    this.viewers = 0;
    this.chat = new Lines();
    this.slowSeconds = 0;
    this.followersOnly = false;
    /** @type {ChatLine | null} */
    this.pinnedLine = null;
    this.own = new Own();
    /** @type {any} */
    this.cart = null;
    /** @type {Map<string, any>} by id */
    this.purchases = new Map();
    /** @type {{parts: Set<Part>, run: () => void}[]} */
    this.watchers = [];
    /** @type {Set<Part>} */
    this.dirty = new Set();
  }

  /**
   * Run now, and again whenever one of the parts changes; the changes of one frame of the screen run it once.
   * @param {Part[]} parts
   * @param {() => void} run
   */
  watch(parts, run) {
    const watcher = { parts: new Set(parts), run };
    this.watchers.push(watcher);
    run();
    return () => {
      this.watchers = this.watchers.filter((one) => one !== watcher);
    };
  }

  /** @param {...Part} parts */
  touch(...parts) {
    if (!this.dirty.size) {
      const flush = () => this.#flush();
      if (document.hidden) setTimeout(flush, HIDDEN_MS);
      else requestAnimationFrame(flush);
    }
    for (const part of parts) this.dirty.add(part);
  }

  #flush() {
    const dirty = this.dirty;
    this.dirty = new Set();
    for (const watcher of this.watchers) {
      if ([...watcher.parts].some((part) => dirty.has(part))) watcher.run();
    }
  }

  /** @returns {Item | null} */
  get pinnedItem() {
    return this.items.find((one) => one.id === this.pinned) ?? null;
  }

  /** @param {string} variant @returns {{item: Item, variant: Variant} | null} */
  find(variant) {
    for (const item of this.items) {
      const found = item.variants.find((one) => one.id === variant);
      if (found) return { item, variant: found };
    }
    return null;
  }

  /**
   * The whole state at once.
   * @param {any} d
   */
  snapshot(d) {
    this.stream = d.stream;
    this.pinned = d.pinned ?? null;
    this.items = d.items ?? [];
    this.offers = new Map((d.offers ?? []).map((/** @type {Offer} */ one) => [one.id, one]));
    this.soldOut = new Map((d.sold_out ?? []).map((/** @type {Offer} */ one) => [one.item, one]));
    for (const item of this.soldOut.keys()) this.ended.set(item, "sold_out");
    this.coupons = new Map((d.coupons ?? []).map((/** @type {Coupon} */ one) => [one.id, one]));
    this.viewers = d.viewers ?? 0;
    this.slowSeconds = d.slow_s ?? 0;
    this.followersOnly = d.followers_only ?? false;
    this.pinnedLine = d.pinned_line ?? null;
    this.chat.renew(d.chat ?? []);
    this.own.enter(d.me ?? null);
    // An anonymous snapshot says nothing of the buyer, so what is known of her stays.
    if (d.me !== null || d.cart) this.cart = d.cart ?? null;
    if (d.me !== null)
      this.claims = new Map((d.claims ?? []).map((/** @type {Claim} */ one) => [one.coupon.id, one]));
    for (const purchase of d.purchases ?? []) this.#keepPurchase(purchase);
    this.touch("stream", "pinned", "items", "offers", "viewers", "coupons");
    this.touch("chat", "line", "mode", "own", "cart", "purchases");
  }

  /** @param {any} purchase Only a newer version of a known one counts. */
  #keepPurchase(purchase) {
    const known = this.purchases.get(purchase.id);
    if (known && known.version > purchase.version) return;
    this.purchases.set(purchase.id, { ...known, ...purchase });
  }

  /** Forget what belongs to the one who signed out. */
  forgetBuyer() {
    this.cart = null;
    this.purchases = new Map();
    this.claims = new Map();
    this.own.enter(null);
    this.touch("cart", "coupons", "purchases", "own", "chat");
  }

  /** @param {Claim} claim */
  keepClaim(claim) {
    const there = this.coupons.get(claim.coupon.id);
    if (!there) return; // Of another show, or over.
    this.claims.set(claim.coupon.id, claim);
    this.touch("coupons");
  }

  /** @param {any} cart */
  keepCart(cart) {
    if (this.cart && cart.version < this.cart.version) return;
    this.cart = cart;
    this.touch("cart");
  }

  /** @param {any} purchase */
  keepPurchase(purchase) {
    this.#keepPurchase(purchase);
    this.touch("purchases");
  }

  /**
   * One event of the room.
   * @param {string} t
   * @param {any} d
   */
  apply(t, d) {
    this.#events[t]?.(d);
  }

  /** @type {Record<string, (d: any) => void>} */
  #events = {
    "stream.status": (d) => {
      if (this.stream)
        this.stream = { ...this.stream, status: d.status, live_at: d.live_at ?? this.stream.live_at };
      if (d.status === "ended" || d.status === "cancelled") {
        this.pinned = null;
        this.offers.clear();
        this.soldOut.clear();
        this.coupons.clear();
      }
      this.touch("stream", "pinned", "offers", "coupons");
    },
    "stream.cohosts": (d) => {
      if (this.stream) this.stream = { ...this.stream, cohosts: d.cohosts };
      this.touch("stream");
    },
    "product.pinned": (d) => {
      const at = this.items.findIndex((one) => one.id === d.id);
      if (at < 0) this.items = [...this.items, d].sort((a, b) => a.position - b.position);
      else this.items[at] = d;
      this.pinned = d.id;
      this.touch("pinned", "items");
    },
    "product.unpinned": (d) => {
      if (this.pinned === d.id) this.pinned = null;
      this.touch("pinned");
    },
    "product.changed": (d) => {
      this.items = this.items.map((one) => (one.id === d.id ? d : one));
      this.touch("items", "pinned");
    },
    "showcase.changed": (d) => {
      this.items = d.items;
      this.touch("items", "pinned");
    },
    "offer.announced": (d) => this.#keepOffer(d),
    "offer.started": (d) => this.#keepOffer(d),
    "offer.updated": (d) => this.#keepOffer(d),
    "offer.progress": (d) => {
      const offer = this.offers.get(d.id);
      if (offer) this.offers.set(d.id, { ...offer, left: d.left, quota: d.quota ?? offer.quota });
      this.touch("offers");
    },
    "offer.ended": (d) => {
      const gone = [...this.soldOut.values()].find((one) => one.id === d.id);
      const offer = this.offers.get(d.id) ?? gone;
      if (offer) {
        this.ended.set(offer.item, d.reason);
        if (d.reason === "sold_out") this.soldOut.set(offer.item, offer);
        else if (gone) this.soldOut.delete(offer.item); // Its host has ended it for good.
      }
      this.offers.delete(d.id);
      this.touch("offers");
    },
    "coupon.opened": (d) => {
      this.coupons.set(d.id, d);
      this.touch("coupons");
    },
    "coupon.updated": (d) => {
      const coupon = this.coupons.get(d.id);
      if (coupon) this.coupons.set(d.id, { ...coupon, left: d.left, quota: d.quota });
      this.touch("coupons");
    },
    "coupon.ended": (d) => {
      this.coupons.delete(d.id);
      this.claims.delete(d.id);
      this.touch("coupons");
    },
    "coupon.claimed": (d) => this.keepClaim(d),
    "stock.changed": (d) => this.#stock(d.variant, d.left),
    "stock.sold_out": (d) => this.#stock(d.variant, 0),
    "viewers.count": (d) => {
      this.viewers = d.n;
      this.touch("viewers");
    },
    "chat.message": (d) => {
      if (this.chat.has(d.id)) return;
      this.chat.put(d);
      this.touch("chat");
    },
    "chat.removed": (d) => {
      this.chat.remove(d.id);
      this.touch("chat");
    },
    "chat.restored": (d) => {
      this.chat.put(d);
      this.touch("chat");
    },
    "chat.mode": (d) => {
      this.slowSeconds = d.slow_s;
      this.followersOnly = d.followers_only ?? false;
      this.touch("mode");
    },
    "chat.pinned": (d) => this.#pinLine(d),
    "chat.unpinned": (d) => {
      if (this.pinnedLine?.id === d.id) this.#pinLine(null);
    },
    "question.answered": ({ id, ...question }) => {
      const line = this.chat.get(id);
      if (line) this.chat.put({ ...line, question });
      if (this.pinnedLine && this.pinnedLine.id === id) this.#pinLine({ ...this.pinnedLine, question });
      this.touch("chat");
    },
    "chat.held": (d) => this.#mine(d, () => this.own.decided(d)),
    "chat.decided": (d) => this.#mine(d, () => this.own.decided(d)),
    "user.restrained": (d) => this.#mine(d, () => this.own.restrained(d)),
    "user.pardoned": (d) => this.#mine(d, () => this.own.pardoned(d)),
    "appeal.decided": (d) => this.#mine(d, () => this.own.appealed(d.decision, d.outcome, d.reason)),
    "moderation.waiting": (d) =>
      this.#mine(d, () => {
        this.own.waiting = d;
      }),
    "me.updated": (d) => {
      this.own.enter(d);
      this.touch("own", "chat");
    },
    "user.rights": (d) =>
      this.#mine(d, () => {
        this.own.rights = new Set(d.rights);
        if (this.own.who) this.own.who = { ...this.own.who, role: d.role };
      }),
    "cart.updated": (d) => this.keepCart(d),
    "order.updated": (d) => this.keepPurchase(d),
    "payment.waiting": (d) => {
      const known = this.purchases.get(d.purchase);
      if (known) this.keepPurchase({ ...known, waiting: { place: d.place, about_seconds: d.about_seconds } });
    },
  };

  /** @param {ChatLine | null} line */
  #pinLine(line) {
    this.pinnedLine = line;
    this.touch("line");
  }

  /** Lane u is the user's in all shows; only this one's concerns this page. @param {any} d @param {() => void} change */
  #mine(d, change) {
    if (d.stream !== this.stream?.id) return;
    change();
    this.touch("own", "chat");
  }

  /** @param {boolean} follows */
  followed(follows) {
    this.own.follows = follows;
    this.touch("own");
  }

  /** @param {string} decision @param {"open" | "upheld" | "overturned"} outcome */
  appealed(decision, outcome) {
    this.own.appealed(decision, outcome);
    this.touch("own", "chat");
  }

  /** @param {Offer} offer */
  #keepOffer(offer) {
    if (offer.status === "ended") this.offers.delete(offer.id);
    else {
      this.offers.set(offer.id, offer);
      this.ended.delete(offer.item);
      if (offer.status === "open") this.soldOut.delete(offer.item);
    }
    this.touch("offers");
  }

  /** @param {string} variant @param {number} left */
  #stock(variant, left) {
    const found = this.find(variant);
    if (!found || found.variant.left === left) return;
    found.variant.left = left;
    this.touch("items");
  }
}
