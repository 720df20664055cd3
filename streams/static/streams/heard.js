/**
 * What a client of `livecommerce.v1` has heard: which frame is news, and where it is in each lane.
 *
 * Of lane s every event passes once and in order; when one is missing nothing passes until the snapshot. Of lane u
 * every event passes once; what is missed there is told again as it is now. What is remembered is bounded.
 *
 * @typedef {{epoch: string, offset: number}} Position
 * @typedef {{v: 1, t: string, d: any, l?: "s" | "u", e?: string, o?: number, k?: string, n?: number, re?: number,
 *   ts?: number}} Frame
 */

const LINES = 500; // ids of chat lines that are remembered
const STATES = 1000; // and versions of states

export class Heard {
  /** @type {Map<string, number>} newest version by state key */
  #states = new Map();
  /** @type {Set<string>} lines that were shown or taken down */
  #lines = new Set();

  /** @param {{s?: Position | null, u?: Position | null}} [places] */
  constructor({ s = null, u = null } = {}) {
    this.s = s;
    this.u = u;
    /** False: nothing of lane s counts until the next snapshot. */
    this.whole = s !== null;
    /** Lanes to ask for anew, newly found out. @type {Set<"s" | "u">} */
    this.missing = new Set();
  }

  /** What `hello` says of the places. @returns {{s?: Position, u?: Position}} */
  resume() {
    return { ...(this.whole && this.s ? { s: this.s } : {}), ...(this.u ? { u: this.u } : {}) };
  }

  /** Forget the lane of a user who is not here any more. */
  forgetUser() {
    this.u = null;
  }

  /** @param {any} d The body of `welcome`. */
  welcomed(d) {
    this.missing.clear();
    if (!d.recovered.s) this.whole = false;
    if (!d.recovered.u) this.u = d.position.u ?? null;
  }

  /** Say whether a frame is news; afterwards `missing` names the lanes that have a hole. @param {Frame} frame */
  take(frame) {
    const { t, d } = frame;
    if (t === "snapshot") this.#snapshot(frame);
    else if (t === "resync") this.#lost(d);
    else if (frame.l === "s") return this.#public(frame);
    else if (frame.l === "u" && frame.o !== undefined) return this.#private(frame);
    else if (frame.k !== undefined) return this.#state(frame.k, frame.n ?? 0);
    else if (t === "chat.message") return this.#line(d.id);
    return true;
  }

  /** @param {Frame} frame */
  #snapshot({ e = "", o = 0, d }) {
    this.s = { epoch: e, offset: o };
    this.whole = true;
    if (d.u) this.u = d.u;
    // The newest states follow it, and its own numbers may be older than those known.
    this.#states.clear();
    for (const line of d.chat) this.#line(line.id);
  }

  /** @param {{lane: "s" | "u", epoch: string, offset: number}} d */
  #lost({ lane, epoch, offset }) {
    if (lane === "s") this.whole = false;
    else this.u = { epoch, offset }; // What is one's own follows, as it is there.
  }

  /** @param {Frame} frame */
  #public({ t, d, e = "", o = 0 }) {
    if (!this.whole || !this.s || isOld(this.s, e, o)) return false;
    if (!isNext(this.s, e, o)) {
      this.whole = false;
      this.missing.add("s");
      return false;
    }
    this.s = { epoch: e, offset: o };
    if (t === "chat.removed" || t === "chat.restored") this.#line(d.id);
    return true;
  }

  /** @param {Frame} frame */
  #private({ e = "", o = 0 }) {
    if (this.u && isOld(this.u, e, o)) return false;
    if (this.u && !isNext(this.u, e, o)) this.missing.add("u");
    this.u = { epoch: e, offset: o };
    return true;
  }

  /** @param {string} key @param {number} version */
  #state(key, version) {
    if ((this.#states.get(key) ?? -1) >= version) return false;
    this.#states.delete(key); // so that the order is that of the last news
    this.#states.set(key, version);
    if (this.#states.size > STATES) this.#states.delete(this.#states.keys().next().value ?? "");
    return true;
  }

  /** @param {string} id */
  #line(id) {
    const isNew = !this.#lines.has(id);
    this.#lines.add(id);
    if (this.#lines.size > LINES) this.#lines.delete(this.#lines.values().next().value ?? "");
    return isNew;
  }
}

/** @param {Position} at @param {string} epoch @param {number} offset */
const isOld = (at, epoch, offset) => epoch === at.epoch && offset <= at.offset;
/** @param {Position} at @param {string} epoch @param {number} offset */
const isNext = (at, epoch, offset) => epoch === at.epoch && offset === at.offset + 1;
