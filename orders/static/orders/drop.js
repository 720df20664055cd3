/** The line and the waiting room on the shopper's page: lining up, one's place as it moves, and one's turn. */

import { h, keyed, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { busy } from "../commerce/sheet.js";
import { countdown, everyTick } from "../streams/clock.js";

/**
 * @typedef {import("./lining.js").Lining} Lining
 * @typedef {import("./lining.js").Place} Place
 * @typedef {import("./wanted.js").Wanted} Wanted
 * @typedef {import("../streams/show.js").Show} Show
 * @typedef {{key: string, tone: string, title: string, text: string, act: string, label: string, run: () => Promise<any> | void,
 *   other?: {label: string, run: () => Promise<any>}}} Row
 */

const RENEWED_EVERY_MS = 3000;

/**
 * @param {HTMLElement} place
 * @param {{lining: Lining, show: Show, now: () => number, buy: (wanted: Wanted[]) => void, join: (d: any) => Promise<any>,
 *   leave: (d: any) => Promise<any>, enter: (offer: string) => Promise<any>, renew: (offer: string) => Promise<any>, quit: (offer: string) => Promise<any>,
 *   announce: (text: string) => void}} parts
 */
export function drawDrop(place, { lining, show, now, buy, join, leave, enter, renew, quit, announce }) {
  /** @param {string} variant */
  const titleOf = (variant) => {
    const found = show.find(variant);
    if (!found) return "";
    const choice = found.item.variants.length > 1 ? ` (${found.variant.title})` : "";
    return found.item.product.title + choice;
  };

  /** @param {Place} one @returns {Row} */
  function own(one) {
    const title = titleOf(one.variant);
    const at = { variant: one.variant, offer: one.offer };
    const price = one.price ? money.show(one.price) : "";
    if (one.status === "waiting") {
      const ahead = lining.ahead(one);
      return {
        key: one.id,
        tone: "waits",
        title: `In line for ${title}`,
        text: ahead ? `${ahead} ahead of you · ${price}` : `You are next · ${price}`,
        act: "Leave",
        label: `Leave the line for ${title}`,
        run: () => leave(at),
      };
    }
    const turn = { offer: one.offer, price: one.price ?? { amount: 0, currency: "EUR" }, quantity: one.quantity, until: one.until ?? 0 };
    return {
      key: one.id,
      tone: "turn",
      title: `Your turn: ${title}`,
      text: `${one.quantity > 1 ? `${one.quantity} × ` : ""}${price} · held for ${countdown(turn.until - now())}`,
      act: "Buy now",
      label: `Buy ${title} in your turn`,
      run: () => buy([{ variant: one.variant, quantity: one.quantity, turn }]),
      other: { label: "No, thanks", run: () => leave(at) },
    };
  }

  /** What is sold out of the product shown now, and may be lined up for. @returns {Row[]} */
  function offered() {
    const item = show.pinnedItem;
    if (!item || show.stream?.status !== "live") return [];
    const over = show.soldOut.get(item.id);
    const offer = over && now() < over.ends_at ? over : null;
    if (!offer && item.variants.some((one) => one.left > 0)) return [];
    return item.variants
      .filter((one) => (offer ? offer.variant === null || offer.variant === one.id : one.left < 1))
      .filter((one) => ![...lining.places.values()].some((mine) => mine.variant === one.id))
      .slice(0, 3)
      .map((one) => {
        const waiting = lining.lines.get(one.id)?.waiting ?? 0;
        const price = money.show(offer ? offer.price : one.price);
        return {
          key: `join ${one.id}`,
          tone: "gone",
          title: offer ? `Live price sold out: ${titleOf(one.id)}` : `Sold out: ${titleOf(one.id)}`,
          text: `${price} when one comes back${waiting ? ` · ${waiting} in line` : ""}`,
          act: "Line up",
          label: `Line up for ${titleOf(one.id)}`,
          run: () => join({ variant: one.id, offer: offer ? offer.id : null }),
        };
      });
  }

  /** The waiting rooms of offers to come and of those that run. @returns {Row[]} */
  function rooms() {
    return [...show.offers.values()]
      .filter((offer) => offer.waits && now() < offer.ends_at)
      .map((offer) => {
        const title = show.items.find((one) => one.id === offer.item)?.product.title ?? "";
        const room = lining.rooms.get(offer.id);
        const people = lining.moved.get(offer.id)?.waiting ?? 0;
        const opens = offer.starts_at - now();
        const clock = opens > 0 ? `opens in ${countdown(opens)}` : "open now";
        const crowd = people ? ` · ${people} waiting` : "";
        const row = { key: `room ${offer.id}`, tone: "waits", label: `Waiting room for ${title}` };
        if (!room || (room.until && now() > room.until)) {
          const words = `${money.show(offer.price)} · ${clock}${crowd}`;
          return { ...row, title: `Waiting room: ${title}`, text: words, act: "Go in", run: () => enter(offer.id) };
        }
        if (room.until) {
          const words = `${money.show(offer.price)} · for ${countdown(room.until - now())}`;
          const variant = offer.variant ?? show.items.find((one) => one.id === offer.item)?.variants[0]?.id ?? "";
          return {
            ...row,
            tone: "turn",
            title: `You may buy now: ${title}`,
            text: words,
            act: "Buy now",
            run: () => buy([{ variant, quantity: 1 }]),
          };
        }
        const at = lining.position(room);
        const words = at === null ? `Places are drawn when it opens · ${clock}${crowd}` : `You are number ${at}${crowd}`;
        return { ...row, title: `Waiting room: ${title}`, text: words, act: "Leave", run: () => quit(offer.id) };
      });
  }

  /** @type {Map<string, Row>} */
  let rows = new Map();
  /** @param {Row} row */
  function make(row) {
    const button = h("button", { class: "button button--small drop__act", type: "button" });
    const other = h("button", { class: "link drop__other", type: "button" });
    button.addEventListener("click", () => busy(button, async () => void (await rows.get(row.key)?.run())));
    other.addEventListener("click", () => busy(other, async () => void (await rows.get(row.key)?.other?.run())));
    const words = h("span", { class: "drop__words" }, h("strong", { class: "drop__title" }), h("span", { class: "drop__text" }));
    return h("li", {}, words, other, button);
  }
  /** @param {HTMLElement} element @param {Row} row */
  function update(element, row) {
    const find = (/** @type {string} */ name) =>
      /** @type {HTMLElement} */ (element.querySelector(`.drop__${name}`));
    element.className = `drop drop--${row.tone}`;
    say(find("title"), row.title);
    say(find("text"), row.text);
    say(find("act"), row.act);
    find("act").setAttribute("aria-label", row.label);
    find("other").hidden = !row.other;
    say(find("other"), row.other?.label ?? "");
  }

  const announced = new Set();
  function draw() {
    const mine = [...lining.places.values()].filter((one) => one.status === "waiting" || now() < (one.until ?? 0));
    const all = [...mine.map(own), ...rooms(), ...offered()].filter((row) => row.title);
    all.sort((a, b) => Number(b.tone === "turn") - Number(a.tone === "turn"));
    rows = new Map(all.map((row) => [row.key, row]));
    place.hidden = all.length === 0;
    keyed(place, all, (row) => row.key, make, update);
    for (const row of all) {
      if (row.tone !== "turn" || announced.has(row.key + row.title)) continue;
      announced.add(row.key + row.title);
      announce(row.title);
    }
    for (const room of lining.lost(now())) {
      // Not all at the same moment, who have lost their place at the same moment.
      lining.renewing.add(room.offer);
      setTimeout(async () => {
        await renew(room.offer);
        setTimeout(() => lining.renewing.delete(room.offer), RENEWED_EVERY_MS);
      }, Math.random() * 2000);
    }
  }
  lining.addEventListener("change", draw);
  show.watch(["pinned", "items", "offers", "stream"], draw);
  everyTick(() => {
    if (rows.size) draw();
  });
}
