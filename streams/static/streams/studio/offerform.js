/** The form that opens or announces an offer, filled in with what usually fits, so that two presses are enough. */

import { h, say } from "../../commerce/dom.js";
import { show as money } from "../../commerce/money.js";
import { press, sentence } from "./words.js";

/** @typedef {import("../show.js").Item} Item */

const WINDOWS = [[30, "30 s"], [60, "1 min"], [120, "2 min"], [300, "5 min"], [900, "15 min"]];
/** When it opens: seconds from now; 0 is at once. */
const OPENINGS = [[0, "Now"], [30, "30 s"], [60, "1 min"], [300, "5 min"], [900, "15 min"]];
const USUAL_UNITS = 20;

/** @param {string} currency */
export function digitsOf(currency) {
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
  const windows = radios("How long it runs", name("seconds"), WINDOWS, 60);
  const openings = radios("When it opens", name("opens"), OPENINGS, 0);
  const household = limit(name("household"), 99);
  const tries = limit(name("tries"), 600);
  const pace = limit(name("pace"), 10_000);
  const turn = h("input", { class: "field__input", id: name("turn"), type: "number", inputmode: "numeric", min: 15, max: 3600, value: "120" });
  const grace = h("input", { class: "field__input", id: name("grace"), type: "number", inputmode: "numeric", min: 0, max: 600, value: "0" });
  const coupons = h("input", { type: "checkbox", id: name("coupons") });
  const more = h("details", { class: "cr-more" },
    h("summary", {}, "Advanced"),
    h("div", { class: "cr-more__fields" },
      field("Per household", household),
      field("Presses a minute, per buyer", tries),
      field("Let in per second", pace),
      field("Seconds for the next in line", turn),
      field("Seconds for another card", grace),
      h("label", { class: "cr-more__check", for: coupons.id }, coupons, " Coupons count on top")),
    h("p", { class: "cr-offerform__note" }, "Empty means no limit. Letting in so many per second opens a waiting room."));
  const note = h("p", { class: "cr-offerform__note", role: "status" });
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const go = h("button", { class: "button button--main", type: "submit" }, "Open the offer");
  const form = h("form", { class: "cr-offerform", novalidate: true, on: { submit, input: judge } },
    h("div", { class: "cr-offerform__fields" },
      item.variants.length > 1 && field("Variant", which, "cr-offerform__wide"),
      field(`Price (${currency})`, price),
      field("Units", quota),
      field("Per buyer", each),
      h("p", { class: "cr-windows__label" }, "Opens"), openings,
      h("p", { class: "cr-windows__label" }, "Runs for"), windows,
      more, note),
    dock(wrong, go, done));

  /** The variants it would be for, as they are now. */
  function chosen() {
    const now = show.items.find((one) => one.id === id) ?? item;
    return now.variants.filter((one) => !which.value || one.id === which.value);
  }
  const list = () => Math.min(...chosen().map((one) => one.price.amount));
  const stock = () => chosen().reduce((all, one) => all + one.left, 0);

  /** What the prices on record allow; null until it is known. @type {Awaited<ReturnType<typeof desk.outlook>> | null} */
  let outlook = null;

  async function look() {
    const asked = which.value;
    outlook = null;
    try {
      const found = await desk.outlook(id, asked);
      if (asked !== which.value) return;
      outlook = found;
      judge();
    } catch {
      // Opening it will say what is wrong.
    }
  }

  function suggest() {
    void look();
    price.value = (usualPrice(list()) / 10 ** digits).toFixed(digits);
    quota.value = String(Math.max(1, Math.min(USUAL_UNITS, stock())));
    judge();
  }

  function judge() {
    const amount = minor(price.value, digits);
    const off = Math.round((1 - amount / list()) * 100);
    const parts = [`List price ${money({ amount: list(), currency })}`];
    if (amount > 0 && amount <= list() && off > 0) parts.push(`${off}% less`);
    if (outlook?.floor) parts.push(`not below ${money(outlook.floor)}`);
    if (outlook) parts.push(outlook.reference && outlook.reference.amount > amount
      ? `shown beside ${money(outlook.reference)}, the lowest of 30 days`
      : "no price is struck through");
    say(go, chosenOf("opens") ? "Announce the offer" : "Open the offer");
    const short = Number(quota.value) > stock();
    say(note, short ? `${parts.join(" · ")} · only ${stock()} in stock, fewer than you offer` : parts.join(" · "));
    note.classList.toggle("cr-offerform__note--warn", short);
    wrong.hidden = true;
    for (const one of [price, quota, each]) one.removeAttribute("aria-invalid");
  }

  /** @param {"seconds" | "opens"} part */
  function chosenOf(part) {
    return Number(/** @type {HTMLInputElement} */ (form.querySelector(`input[name="${name(part)}"]:checked`)).value);
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
    if (outlook?.floor && amount < outlook.floor.amount) return refuse(`The merchant does not sell this below ${money(outlook.floor)}.`, price);
    void press(go, async () => {
      await desk.open({ item: id, variant: which.value || null, amount, quota: Number(quota.value), per_buyer: Number(each.value),
        seconds: chosenOf("seconds"), opens_in: chosenOf("opens") || null, per_household: numberOf(household), tries_per_minute: numberOf(tries),
        admits_per_second: numberOf(pace), turn_seconds: numberOf(turn) ?? 120, grace_seconds: numberOf(grace) ?? 0, takes_coupons: coupons.checked });
      done();
    }, (error) => refuse(Object.entries(error.fields ?? {}).map(([part, text]) => `${part}: ${text}`).join(". ") || sentence(error)));
  }

  which.addEventListener("change", suggest);
  suggest();
  return form;
}

/**
 * What stays in sight however long the form is: what is wrong with it, and its buttons.
 * @param {HTMLElement} wrong @param {HTMLElement} go @param {() => void} done
 */
export function dock(wrong, go, done) {
  return h("div", { class: "cr-offerform__dock" }, wrong,
    h("div", { class: "cr-offerform__acts" }, go, h("button", { class: "button button--quiet", type: "button", on: { click: done } }, "Cancel")));
}

/**
 * Bring an opened form into sight, with what it belongs to where there is room for both.
 * @param {HTMLElement} whole
 */
export function present(whole) {
  const room = whole.closest(".cr-goods")?.clientHeight || whole.closest(".cr-column")?.clientHeight || 0;
  whole.scrollIntoView({ block: whole.offsetHeight > room ? "start" : "nearest" });
  /** @type {HTMLElement | null} */ (whole.querySelector("form input:not([type=radio])"))?.focus({ preventScroll: true });
}

/** @param {string} label @param {HTMLElement} input @param {string} [extra] */
export function field(label, input, extra = "") {
  return h("div", { class: `field ${extra}` }, h("label", { class: "field__label", for: input.id }, label), input);
}

/** @param {string} id @param {number} most An empty field is no limit. */
function limit(id, most) {
  return h("input", { class: "field__input", id, type: "number", inputmode: "numeric", min: 1, max: most, placeholder: "no limit" });
}

/** @param {HTMLInputElement} input */
function numberOf(input) {
  return input.value.trim() === "" ? null : Number(input.value);
}

/**
 * @param {string} label
 * @param {string} name
 * @param {(string | number)[][]} choices Seconds and how they are called.
 * @param {number} usual
 */
export function radios(label, name, choices, usual) {
  return h("div", { class: "cr-windows", role: "radiogroup", "aria-label": label },
    choices.map(([seconds, text]) => h("label", { class: "cr-window" },
      h("input", { type: "radio", name, value: String(seconds), checked: seconds === usual }), h("span", {}, text))));
}
