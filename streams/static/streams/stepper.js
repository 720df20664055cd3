/** How many: a number with plus and minus. */

import { h, say } from "../commerce/dom.js";

/**
 * Plus and minus around a number.
 * @param {(by: number) => void} step
 */
export function makeStepper(step) {
  const less = h(
    "button",
    { class: "stepper__button", type: "button", "aria-label": "One less", on: { click: () => step(-1) } },
    "−",
  );
  const more = h(
    "button",
    { class: "stepper__button", type: "button", "aria-label": "One more", on: { click: () => step(1) } },
    "+",
  );
  const number = h("output", { class: "stepper__number" });
  return {
    element: h("div", { class: "stepper", role: "group", "aria-label": "Quantity" }, less, number, more),
    /** @param {number} quantity @param {number} most @param {number} [least] */
    set(quantity, most, least = 1) {
      say(number, String(quantity));
      less.disabled = quantity <= least;
      more.disabled = quantity >= most;
    },
  };
}
