/**
 * Sending a purchase so that a lost answer is harmless. A press of the button has one key, kept in the tab until an
 * answer came; every retry carries the same key and the same body, on whichever way is open, socket or HTTP.
 */

import { call, uuid, wait } from "../commerce/api.js";

/**
 * @typedef {import("../streams/room.js").Room} Room
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {{variant: string, quantity: number, offer: string | null}} Line
 * @typedef {{lines: Line[], expect_total: Money, card: string | null, seen?: {epoch: string, offset: number} | null,
 *   coupon?: string | null}} Body
 * @typedef {{key: string, body: Body, stream: string | null}} Attempt
 */

const KEPT = "yellowcart:purchase";
const GIVE_UP_MS = 45_000;
const SOCKET_MS = 6_000;
const PAUSES_MS = [400, 800, 1500, 3000, 5000];

export class Attempts {
  /**
   * @param {Room} room
   * @param {{storage?: Storage}} [parts]
   */
  constructor(room, { storage = sessionStorage } = {}) {
    this.room = room;
    this.storage = storage;
  }

  /** @returns {Attempt | null} The one that has no answer yet. */
  get open() {
    try {
      return JSON.parse(this.storage.getItem(KEPT) ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * Buy. Resolves with the accepted purchase; raises what the shop said no with, or NO_ANSWER when it said nothing.
   * @param {Body} body
   * @param {string | null} stream Slug of the live show it is bought in.
   * @returns {Promise<any>}
   */
  async place(body, stream) {
    const known = this.open;
    const same =
      known && known.stream === stream && JSON.stringify(bare(known.body)) === JSON.stringify(bare(body));
    const attempt = same ? known : { key: uuid(), body, stream };
    this.storage.setItem(KEPT, JSON.stringify(attempt));
    return this.#until(attempt);
  }

  /**
   * After a reload: what became of the press that got no answer. Asks only, and buys nothing.
   * @returns {Promise<any>} The purchase, or null when it never arrived.
   */
  async recall() {
    const attempt = this.open;
    if (!attempt) return null;
    try {
      const purchase = await this.room.command("purchase.status", { key: attempt.key });
      this.forget();
      return purchase;
    } catch (/** @type {any} */ error) {
      if (error.code !== "NOT_FOUND") throw error;
      this.forget();
      return null;
    }
  }

  forget() {
    this.storage.removeItem(KEPT);
  }

  /** @param {Attempt} attempt */
  async #until(attempt) {
    const end = Date.now() + GIVE_UP_MS;
    for (let round = 0; ; round++) {
      try {
        const purchase = await this.#send(attempt, round);
        this.forget();
        return purchase;
      } catch (/** @type {any} */ error) {
        if (!error.temporary || isAnswer(error)) {
          this.forget();
          throw error;
        }
        const pause = error.retryMs || PAUSES_MS[Math.min(round, PAUSES_MS.length - 1)];
        if (Date.now() + pause > end) throw error;
        await wait(pause * (0.75 + Math.random() / 2));
      }
    }
  }

  /** @param {Attempt} attempt @param {number} round */
  #send({ key, body, stream }, round) {
    // Outside a live show there is no socket to buy on; and one that gave no answer once is gone round the second time.
    if (stream && this.room.online && round % 2 === 0) {
      return this.room.command("purchase.create", body, { key, timeoutMs: SOCKET_MS });
    }
    return call("purchases", { method: "POST", body: { ...body, stream }, key });
  }
}

/** Temporary, and still what the buyer has to hear. @param {any} error */
function isAnswer(error) {
  return error.code === "OFFER_NOT_STARTED";
}

/** What makes two presses the same. @param {Body} body */
function bare({ lines, expect_total, card, coupon }) {
  return { lines, expect_total, card, coupon };
}
