/** The show's coupons in the control room: those that run, and the form that opens one. */

import { h, keyed, say } from "../../commerce/dom.js";
import { countdown, everyTick } from "../clock.js";
import { worth } from "../coupons.js";
import { digitsOf, dock, field, minor, present, radios } from "./offerform.js";
import { press, sentence } from "./words.js";

/**
 * @typedef {import("../coupons.js").Coupon} Coupon
 * @typedef {import("../show.js").Show} Show
 */

const WINDOWS = [[60, "1 min"], [300, "5 min"], [900, "15 min"], [3600, "1 h"], [14_400, "4 h"]];

/**
 * @param {HTMLElement} place
 * @param {{show: Show, desk: import("./desk.js").Desk, now: () => number}} parts
 */
export function drawCoupons(place, { show, desk, now }) {
  let isOpen = false;
  const list = h("ul", { class: "cr-coupons__list" });
  const box = h("div", { class: "cr-coupons__form", hidden: true });
  const add = h("button", { class: "button button--small", type: "button", "aria-expanded": "false", on: { click: () => toggle(!isOpen) } }, "New coupon");
  place.replaceChildren(
    h("header", { class: "cr-panel__head" }, h("h2", { id: "coupons-title" }, "Coupons"), add),
    list, box);

  /** @param {boolean} open */
  function toggle(open) {
    isOpen = open;
    box.replaceChildren(...(open ? [couponForm({ show, desk, done: () => toggle(false) })] : []));
    box.hidden = !open;
    add.setAttribute("aria-expanded", String(open));
    if (open) present(place);
  }

  /** @param {Coupon} coupon */
  function make(coupon) {
    const end = h("button", { class: "button button--small", type: "button", "aria-label": `End ${coupon.code}`, on: { click: () => press(end, () => desk.endCoupon(coupon.id)) } }, "End");
    return h("li", { class: "cr-coupon" },
      h("div", { class: "cr-coupon__words" },
        h("p", {}, h("strong", {}, coupon.code), ` · ${worth(coupon)}`),
        h("p", { class: "cr-coupon__state" })),
      end);
  }

  /** @param {HTMLElement} row @param {Coupon} coupon */
  function update(row, coupon) {
    const time = coupon.ends_at > now() ? countdown(coupon.ends_at - now()) : "ending…";
    say(/** @type {Element} */ (row.querySelector(".cr-coupon__state")),
      `${coupon.merchant.name} · ${coupon.quota - coupon.left} of ${coupon.quota} claimed · ${time}`);
  }

  function draw() {
    const live = show.stream?.status === "live";
    place.hidden = !live;
    add.disabled = !show.items.length;
    keyed(list, [...show.coupons.values()], (one) => one.id, make, update);
    if (!live && isOpen) toggle(false);
  }
  show.watch(["coupons", "stream", "items"], draw);
  everyTick(() => {
    if (show.coupons.size) draw();
  });
}

/** @param {{show: Show, desk: import("./desk.js").Desk, done: () => void}} parts */
function couponForm({ show, desk, done }) {
  const merchants = new Map(show.items.map((one) => [one.product.merchant.id, one.product.merchant.name]));
  const currencyOf = () =>
    show.items.find((one) => one.product.merchant.id === whose.value && one.price)?.price?.currency ?? "EUR";

  const whose = h("select", { class: "field__input", id: "coupon-merchant", on: { change: labels } },
    [...merchants].map(([id, name]) => h("option", { value: id }, name)));
  const code = h("input", { class: "field__input", id: "coupon-code", autocomplete: "off", maxlength: 40, required: true });
  const kind = h("select", { class: "field__input", id: "coupon-kind", on: { change: labels } },
    h("option", { value: "percent" }, "Percent off"), h("option", { value: "amount" }, "Amount off"));
  const off = h("input", { class: "field__input", id: "coupon-off", inputmode: "decimal", autocomplete: "off", value: "10", required: true });
  const least = h("input", { class: "field__input", id: "coupon-least", inputmode: "decimal", autocomplete: "off", placeholder: "none" });
  const quota = h("input", { class: "field__input", id: "coupon-quota", type: "number", inputmode: "numeric", min: 1, value: "100", required: true });
  const uses = h("input", { class: "field__input", id: "coupon-uses", type: "number", inputmode: "numeric", min: 1, max: 99, value: "1", required: true });
  const offField = field("Percent", off);
  const leastField = field("From", least);
  const windows = radios("How long it runs", "coupon-seconds", WINDOWS, 900);
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const go = h("button", { class: "button button--main", type: "submit" }, "Open the coupon");
  const form = h("form", { class: "cr-offerform", novalidate: true, on: { submit, input: () => { wrong.hidden = true; } } },
    h("div", { class: "cr-offerform__fields" },
      merchants.size > 1 && field("Merchant", whose, "cr-offerform__wide"),
      field("Code", code), field("Kind", kind), offField,
      leastField, field("For how many", quota), field("Uses each", uses),
      h("p", { class: "cr-windows__label" }, "Runs for"), windows,
      h("p", { class: "cr-offerform__note" }, "It counts on list prices, and on offers that say so. The merchant's floor always holds.")),
    dock(wrong, go, done));

  function labels() {
    const currency = currencyOf();
    say(/** @type {Element} */ (offField.firstElementChild), kind.value === "percent" ? "Percent" : `Off (${currency})`);
    say(/** @type {Element} */ (leastField.firstElementChild), `From (${currency})`);
  }

  /** @param {string} text @param {HTMLElement} [at] */
  function refuse(text, at) {
    say(wrong, text);
    wrong.hidden = false;
    at?.focus();
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const percent = kind.value === "percent";
    const digits = percent ? 2 : digitsOf(currencyOf());
    const value = minor(off.value, digits);
    const from = least.value.trim() ? minor(least.value, digitsOf(currencyOf())) : 0;
    if (!/^[a-z0-9][a-z0-9-]{2,39}$/i.test(code.value.trim())) return refuse("A code has 3 to 40 letters, digits and hyphens.", code);
    if (!(value > 0)) return refuse("Write how much it takes off as a number, such as 10.", off);
    if (percent && (value < 100 || value > 9000)) return refuse("A coupon takes 1 to 90 percent off.", off);
    if (Number.isNaN(from)) return refuse("Write the least amount as a number, such as 25.00, or leave it empty.", least);
    const seconds = Number(/** @type {HTMLInputElement} */ (form.querySelector("input[type=radio]:checked")).value);
    void press(go, async () => {
      await desk.openCoupon({
        merchant: whose.value, code: code.value.trim(), percent_bp: percent ? value : null, amount_off: percent ? null : value,
        min_amount: from, quota: Number(quota.value), per_buyer: Number(uses.value), seconds,
      });
      done();
    }, (error) => refuse(Object.entries(error.fields ?? {}).map(([part, text]) => `${part}: ${text}`).join(". ") || sentence(error)));
  }

  labels();
  return form;
}
