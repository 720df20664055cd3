/** The host's actions. Each is one request; what it changed is shown at once and confirmed by the room's event. */

import { call } from "../../commerce/api.js";

/**
 * @typedef {import("../show.js").Show} Show
 * @typedef {import("../../commerce/money.js").Money} Money
 */

export class Desk {
  /** @param {string} stream @param {Show} show */
  constructor(stream, show) {
    this.base = `studio/shows/${stream}`;
    this.show = show;
  }

  async goLive() {
    this.show.apply("stream.status", await call(`${this.base}/go-live`, { method: "POST" }));
  }

  async end() {
    this.show.apply("stream.status", await call(`${this.base}/end`, { method: "POST" }));
  }

  /** @param {string} item */
  async pin(item) {
    await call(`${this.base}/pin`, { method: "POST", body: { item } });
    const found = this.show.items.find((one) => one.id === item);
    if (found) this.show.apply("product.pinned", found);
  }

  async unpin() {
    const item = this.show.pinned;
    await call(`${this.base}/pin`, { method: "DELETE" });
    if (item) this.show.apply("product.unpinned", { id: item });
  }

  /**
   * @param {{item: string, variant: string | null, amount: number, quota: number, per_buyer: number, seconds: number,
   *   opens_in: number | null, per_household: number | null, tries_per_minute: number | null,
   *   admits_per_second: number | null, turn_seconds: number, grace_seconds: number, takes_coupons: boolean}} offer
   */
  async open(offer) {
    const { offer: made } = await call(`${this.base}/offers`, { method: "POST", body: offer });
    this.show.apply(made.status === "announced" ? "offer.announced" : "offer.started", made);
  }

  /**
   * Between which prices an offer may be, and what it may strike through.
   * @param {string} item @param {string} variant Empty: all.
   * @returns {Promise<{list_price: Money, floor: Money | null, reference: Money | null}>}
   */
  outlook(item, variant) {
    return call(`${this.base}/showcase/${item}/outlook${variant ? `?variant=${variant}` : ""}`);
  }

  /** @param {string} offer */
  async openNow(offer) {
    this.show.apply("offer.started", (await call(`studio/offers/${offer}/open`, { method: "POST" })).offer);
  }

  /** @param {any} coupon */
  async openCoupon(coupon) {
    this.show.apply("coupon.opened", (await call(`${this.base}/coupons`, { method: "POST", body: coupon })).coupon);
  }

  /** @param {string} coupon */
  async endCoupon(coupon) {
    await call(`studio/coupons/${coupon}/end`, { method: "POST" });
    this.show.apply("coupon.ended", { id: coupon, reason: "host" });
  }

  /** @param {string} offer @param {number} seconds */
  async extend(offer, seconds) {
    const longer = await call(`studio/offers/${offer}/extend`, { method: "POST", body: { seconds } });
    this.show.apply("offer.updated", longer.offer);
  }

  /** @param {string} offer */
  async endOffer(offer) {
    await call(`studio/offers/${offer}/end`, { method: "POST" });
    this.show.apply("offer.ended", { id: offer, reason: "host" });
  }

  /** @returns {Promise<any>} */
  sales() {
    return call(`${this.base}/sales`);
  }
}
