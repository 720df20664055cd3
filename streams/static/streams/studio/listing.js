/** A list that is asked for over HTTP: it says when it loads, when it is empty and when it could not be read. */

import { h, keyed, say } from "../../commerce/dom.js";
import { sentence } from "./words.js";

const GATHER_MS = 400; // Several reasons to look again within that time are one.

/** @template T */
export class Listing {
  #busy = false;
  #again = false;
  /** @type {number | undefined} */
  #later;

  /**
   * @param {{label: string, empty: string, read: () => Promise<T[]>, keyOf: (row: T) => string,
   *   make: (row: T) => HTMLElement, update?: (element: HTMLElement, row: T) => void}} parts
   */
  constructor({ label, empty, read, keyOf, make, update = () => {} }) {
    this.read = read;
    this.keyOf = keyOf;
    this.make = make;
    this.update = update;
    /** @type {T[]} */
    this.rows = [];
    this.list = h("ol", { class: "cr-list", "aria-label": label });
    this.nothing = h("p", { class: "cr-empty", hidden: true }, empty);
    this.wrong = h("p", { class: "cr-wrong", role: "alert", hidden: true });
    this.element = h("div", { class: "cr-listing" }, this.wrong, this.nothing, this.list);
  }

  /** Look again soon. */
  stir() {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.refresh(), GATHER_MS);
  }

  /** Look again now; what was asked for meanwhile is asked for once more. */
  async refresh() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    this.element.setAttribute("aria-busy", "true");
    try {
      this.rows = await this.read();
      this.draw();
      this.wrong.hidden = true;
    } catch (error) {
      this.wrong.replaceChildren(
        `${sentence(error)} `,
        h("button", { class: "link", type: "button", on: { click: () => this.refresh() } }, "Try again"),
      );
      this.wrong.hidden = false;
    } finally {
      this.#busy = false;
      this.element.removeAttribute("aria-busy");
    }
    if (this.#again) {
      this.#again = false;
      await this.refresh();
    }
  }

  draw() {
    keyed(this.list, this.rows, this.keyOf, this.make, this.update);
    this.nothing.hidden = this.rows.length > 0;
  }

  /** Take a row off at once; the next look confirms it. @param {string} key */
  drop(key) {
    this.rows = this.rows.filter((row) => this.keyOf(row) !== key);
    this.draw();
  }
}

/** How long ago something was. @param {string} at ISO time. @param {number} now Unix ms. */
export function ago(at, now) {
  const minutes = Math.floor((now - Date.parse(at)) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ago` : new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** @param {string} text @param {() => any} run @param {string} [more] Classes. */
export function small(text, run, more = "") {
  return h("button", { class: `button button--small ${more}`, type: "button", on: { click: run } }, text);
}

/** @param {string} title */
export function heading(title) {
  const count = h("span", { class: "cr-count" });
  const element = h("h3", { class: "cr-heading" }, title, " ", count);
  return { element, set: (/** @type {number} */ n) => say(count, n ? String(n) : "") };
}
