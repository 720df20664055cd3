/** A short word that goes away by itself. Screen readers hear it politely; a press on its button acts on it. */

import { fill, h, icon } from "./dom.js";

const STAYS_MS = 6000;

export class Toaster {
  /** @type {number | undefined} */
  #later;

  /** @param {HTMLElement} place An element with role="status". */
  constructor(place) {
    this.place = place;
  }

  /** @param {{tone: "wait" | "good" | "bad", icon: string, title: string, text?: string, action?: {label: string, run: () => void}}} what */
  show({ tone, icon: name, title, text = "", action }) {
    this.place.className = `toast toast--${tone}`;
    fill(
      this.place,
      icon(name),
      h("span", { class: "toast__text" }, h("strong", {}, title), text && ` ${text}`),
      action &&
        h(
          "button",
          {
            class: "link",
            type: "button",
            on: {
              click: () => {
                this.hide();
                action.run();
              },
            },
          },
          action.label,
        ),
    );
    this.place.hidden = false;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.hide(), STAYS_MS);
  }

  hide() {
    this.place.hidden = true;
  }
}
