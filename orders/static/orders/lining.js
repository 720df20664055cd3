/**
 * What the page knows of lines and waiting rooms: one's own places, and how far each has moved. It draws nothing.
 * A place is a number; the room says which number is the next, so at most the difference are ahead.
 */

/**
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {import("../streams/show.js").Show} Show
 * @typedef {{id: string, stream: string | null, variant: string, offer: string | null, quantity: number,
 *   status: "waiting" | "offered" | "bought" | "lapsed" | "left", number: number, ahead: number,
 *   price: Money | null, until: number | null}} Place
 * @typedef {{offer: string, epoch: string, number: number | null, until: number | null}} RoomPlace
 * @typedef {{offer: string, epoch: string, waiting: number, admitted: number, opens_at: number}} RoomMoved
 */

const OPEN = ["waiting", "offered"];
const UNHEARD_MS = 4000;
const SILENT_MS = 10_000; // A room is heard of every two seconds; one that Redis has forgotten says nothing.

export class Lining extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, Place>} one's own, by id */
    this.places = new Map();
    /** @type {Map<string, {waiting: number, first: number}>} by variant */
    this.lines = new Map();
    /** @type {Map<string, RoomPlace>} one's own, by offer */
    this.rooms = new Map();
    /** @type {Map<string, RoomMoved>} by offer */
    this.moved = new Map();
    /** Offers whose room is being entered anew. @type {Set<string>} */
    this.renewing = new Set();
    /** When a room was last heard of, by this page's clock, by offer. @type {Map<string, number>} */
    this.heard = new Map();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** @param {any} d A snapshot; an anonymous one says nothing of one's own. */
  snapshot(d) {
    if (d.me) {
      this.#renew(d.waitlist ?? []);
      for (const room of d.rooms ?? []) this.#keepRoom(room);
    }
    this.changed();
  }

  /** Forget what belongs to the one who signed out. */
  forget() {
    this.places.clear();
    this.rooms.clear();
    this.changed();
  }

  /** @param {Place} place */
  keep(place) {
    if (OPEN.includes(place.status)) this.places.set(place.id, place);
    else this.places.delete(place.id);
    this.changed();
  }

  /** @param {any} room The reply to having entered. */
  keepRoom(room) {
    this.#keepRoom(room);
    this.changed();
  }

  /** @param {string} offer */
  leaveRoom(offer) {
    this.rooms.delete(offer);
    this.changed();
  }

  /** @param {any} room */
  #keepRoom(room) {
    const { offer, epoch, number, until, waiting, admitted, opens_at } = room;
    this.rooms.set(offer, { offer, epoch, number, until });
    this.#moved({ offer, epoch, waiting, admitted, opens_at });
  }

  /** @param {RoomMoved} moved */
  #moved(moved) {
    this.moved.set(moved.offer, moved);
    this.heard.set(moved.offer, performance.now());
  }

  /**
   * How many are ahead in a line, at most.
   * @param {Place} place
   */
  ahead(place) {
    const line = this.lines.get(place.variant);
    return line ? Math.max(0, Math.min(place.number - line.first, line.waiting - 1)) : place.ahead;
  }

  /**
   * One's number from the door of a waiting room: 1 is the next; null before the draw.
   * @param {RoomPlace} room
   */
  position(room) {
    const moved = this.moved.get(room.offer);
    if (room.number === null) return null;
    return Math.max(1, room.number - (moved?.epoch === room.epoch ? moved.admitted : 0));
  }

  /** Rooms to be entered anew: one's number means nothing there any more, or was not heard. @param {number} now */
  lost(now) {
    return [...this.rooms.values()].filter((room) => {
      const moved = this.moved.get(room.offer);
      if (!moved || room.until || this.renewing.has(room.offer)) return false;
      if (moved.epoch !== room.epoch) return true;
      if (performance.now() - (this.heard.get(room.offer) ?? 0) > SILENT_MS) return true;
      // The draw, or that one was let in, was not heard.
      return room.number === null ? now > moved.opens_at + UNHEARD_MS : moved.admitted >= room.number;
    });
  }

  /**
   * One event of the room.
   * @param {string} t
   * @param {any} d
   */
  apply(t, d) {
    if (t === "waitlist.updated") this.#renew(d.places);
    else if (t === "waitlist.line") this.lines.set(d.variant, d);
    else if (t.startsWith("waitlist.")) this.keep(d);
    else if (t === "waitingroom.moved") this.#moved(d);
    else if (t === "waitingroom.drawn" || t === "waitingroom.admitted") {
      const known = this.rooms.get(d.offer) ?? { offer: d.offer, epoch: d.epoch, number: null, until: null };
      this.rooms.set(d.offer, { ...known, ...d });
    } else if (t === "offer.ended") {
      if (d.reason !== "sold_out") this.rooms.delete(d.id);
    } else return;
    this.changed();
  }

  /** @param {Place[]} places */
  #renew(places) {
    this.places = new Map(places.map((one) => [one.id, one]));
  }
}
