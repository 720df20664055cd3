/** The form that opens an offer, filled in with what usually fits, so that two presses are enough. */

import { h, say } from "../../commerce/dom.js";
import { show as money } from "../../commerce/money.js";
import { press, sentence } from "./words.js";

/** @typedef {import("../show.js").Item} Item */

const WINDOWS = [[30, "30 s"], [60, "1 min"], [120, "2 min"], [300, "5 min"], [900, "15 min"]];
const USUAL_UNITS = 20;

/** @param {string} currency */
function digitsOf(currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/**
 * Read "9.90" or "9,90" into minor units; NaN for anything else.
 * @param {string} text
 * @param {number} digits
 */
export function minor(text, digits) {
  const found = /^(\d{1,8})(?:[.,](\d+))?$/.exec(text.trim());
  if (!found || (found[2] ?? "").length > digits) return NaN;
  return Number(found[1] + (found[2] ?? "").padEnd(digits, "0"));
}

/**
 * A fifth off, ending in 0 in the last digit where there is room for it.
 * @param {number} amount
 */
export function usualPrice(amount) {
  const less = Math.floor(amount * 0.8);
  return less >= 100 ? less - (less % 10) : Math.max(1, less);
}

/**
 * @param {Item} item
 * @param {{desk: import("./desk.js").Desk, show: import("../show.js").Show, done: () => void}} parts
 */
export function offerForm(item, { desk, show, done }) {
  const id = item.id;
  const currency = item.price?.currency ?? "EUR";
  const digits = digitsOf(currency);
  const name = (/** @type {string} */ part) => `${part}-${id}`;

  const which = h("select", { class: "field__input", id: name("variant") },
    h("option", { value: "" }, "All variants"),
    item.variants.map((one) => h("option", { value: one.id }, `${one.title} · ${money(one.price)}`)));
  const price = h("input", { class: "field__input", id: name("price"), inputmode: "decimal", autocomplete: "off", required: true });
  const quota = h("input", { class: "field__input", id: name("quota"), type: "number", inputmode: "numeric", min: 1, required: true });
  const each = h("input", { class: "field__input", id: name("each"), type: "number", inputmode: "numeric", min: 1, max: 99, value: "1", required: true });
  const windows = h("div", { class: "cr-windows", role: "radiogroup", "aria-label": "How long it runs" },
    WINDOWS.map(([seconds, label]) => h("label", { class: "cr-window" },
      h("input", { type: "radio", name: name("seconds"), value: String(seconds), checked: seconds === 60 }), h("span", {}, label))));
  const note = h("p", { class: "cr-offerform__note", role: "status" });
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const go = h("button", { class: "button button--main", type: "submit" }, "Open the offer");
  const form = h("form", { class: "cr-offerform", novalidate: true, on: { submit, input: judge } },
    item.variants.length > 1 && field("Variant", which, "cr-offerform__wide"),
    field(`Price (${currency})`, price),
    field("Units", quota),
    field("Per buyer", each),
    windows, note, wrong,
    h("div", { class: "cr-offerform__acts" }, go, h("button", { class: "button button--quiet", type: "button", on: { click: done } }, "Cancel")));

  /** The variants it would be for, as they are now. */
  function chosen() {
    const now = show.items.find((one) => one.id === id) ?? item;
    return now.variants.filter((one) => !which.value || one.id === which.value);
  }
  const list = () => Math.min(...chosen().map((one) => one.price.amount));
  const stock = () => chosen().reduce((all, one) => all + one.left, 0);

  function suggest() {
    price.value = (usualPrice(list()) / 10 ** digits).toFixed(digits);
    quota.value = String(Math.max(1, Math.min(USUAL_UNITS, stock())));
    judge();
  }

  function judge() {
    const amount = minor(price.value, digits);
    const off = Math.round((1 - amount / list()) * 100);
    const parts = [`List price ${money({ amount: list(), currency })}`];
    if (amount > 0 && amount <= list() && off > 0) parts.push(`${off}% off`);
    const short = Number(quota.value) > stock();
    say(note, short ? `${parts.join(" · ")} · only ${stock()} in stock, fewer than you offer` : parts.join(" · "));
    note.classList.toggle("cr-offerform__note--warn", short);
    wrong.hidden = true;
  }

  /** @param {string} text @param {HTMLElement} [field] */
  function refuse(text, field) {
    say(wrong, text);
    wrong.hidden = false;
    for (const one of [price, quota, each]) one.toggleAttribute("aria-invalid", one === field);
    if (field) field.setAttribute("aria-invalid", "true");
    field?.focus();
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const amount = minor(price.value, digits);
    if (!(amount > 0)) return refuse("Write the price as a number, such as 9.90.", price);
    if (amount > list()) return refuse(`The live price may not be above the list price of ${money({ amount: list(), currency })}.`, price);
    if (!(Number.isInteger(Number(quota.value)) && Number(quota.value) >= 1)) return refuse("Offer at least one unit.", quota);
    if (!(Number.isInteger(Number(each.value)) && Number(each.value) >= 1 && Number(each.value) <= 99)) return refuse("A buyer may have 1 to 99 units.", each);
    const seconds = Number(/** @type {HTMLInputElement} */ (form.querySelector("input[type=radio]:checked")).value);
    void press(go, async () => {
      await desk.open({ item: id, variant: which.value || null, amount, quota: Number(quota.value), per_buyer: Number(each.value), seconds });
      done();
    }, (error) => refuse(Object.entries(error.fields ?? {}).map(([part, text]) => `${part}: ${text}`).join(". ") || sentence(error)));
  }

  which.addEventListener("change", suggest);
  suggest();
  return form;
}

/** @param {string} label @param {HTMLElement} input @param {string} [extra] */
function field(label, input, extra = "") {
  return h("div", { class: `field ${extra}` }, h("label", { class: "field__label", for: input.id }, label), input);
}
