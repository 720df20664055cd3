/** The showcase editor: search, add, put in order by hand or by buttons, remove. Nothing reloads the page. */

import { call } from "../../commerce/api.js";
import { h, keyed, say } from "../../commerce/dom.js";
import { show as money } from "../../commerce/money.js";
import { sentence } from "../../commerce/sentences.js";

/**
 * @typedef {import("../show.js").Item} Item
 * @typedef {{id: string, title: string, merchant: string, image: string | null, price: import("../../commerce/money.js").Money,
 *   left: number, item: string | null, commission: Commission}} Product
 * @typedef {{rate_bp: number, each: import("../../commerce/money.js").Money, plan: string, locked_until: number | null,
 *   then_bp: number | null}} Commission
 */

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const page = place("showcase-editor");
const editable = page.dataset.editable === "yes";
const most = Number(page.dataset.max);
const base = `studio/shows/${page.dataset.stream}`;
const list = place("items");

/** @type {Item[]} */
let items = JSON.parse(place("items-data")?.textContent ?? "[]");
/** @type {Product[]} */
let products = [];
/** How many changes are under way or wait for their turn. */
let busy = 0;
let last = Promise.resolve();

/** @param {string} name */
const symbol = (name) => h("span", { class: "material-symbols-outlined", "aria-hidden": "true" }, name);

/** @param {any} error */
function complain(error) {
  const box = place("alert");
  box.textContent = error ? sentence(error) : "";
  box.hidden = !error;
}

/**
 * Ask the server for a change, one after another, and show what it says is there now.
 * @param {() => Promise<{items: Item[]}>} ask
 */
function change(ask) {
  busy += 1;
  last = last.then(() => carryOut(ask));
  return last;
}

/** @param {() => Promise<{items: Item[]}>} ask */
async function carryOut(ask) {
  complain(null);
  try {
    items = (await ask()).items;
  } catch (error) {
    complain(error);
    items = (await call(`${base}/showcase`).catch(() => ({ items }))).items;
  } finally {
    busy -= 1;
    draw();
  }
}

/** @param {string[]} order */
const askOrder = (order) => call(`${base}/showcase/order`, { method: "PUT", body: { items: order } });

/** @param {string} id @param {number} by */
function move(id, by) {
  const ask = async () => {
    // When its turn comes the list may be another.
    const order = items.map((one) => one.id);
    const at = order.indexOf(id);
    const to = at + by;
    if (at < 0 || to < 0 || to >= order.length) return { items };
    order.splice(to, 0, ...order.splice(at, 1));
    return askOrder(order);
  };
  void change(ask).then(() => {
    const row = /** @type {HTMLElement | null} */ (list.querySelector(`[data-key="${id}"]`));
    const buttons = /** @type {HTMLButtonElement[]} */ ([...(row?.querySelectorAll("[data-by]") ?? [])]);
    (buttons.find((one) => one.dataset.by === String(by) && !one.disabled) ?? buttons.find((one) => !one.disabled))?.focus();
  });
}

/** @param {Item} item */
function makeItem(item) {
  const title = item.product.title;
  const row = h("li", { class: "st-item" },
    editable && h("span", { class: "st-item__grip", "aria-hidden": "true", title: "Drag", on: { pointerdown: drag } }, symbol("drag_indicator")),
    h("span", { class: "st-item__number" }),
    picture(item.product.image),
    h("div", { class: "st-item__words" },
      h("p", { class: "st-item__title" }, title),
      h("p", { class: "st-soft", data: { part: "facts" } })),
    editable && h("div", { class: "st-item__acts" },
      act("arrow_upward", `Move ${title} up`, () => move(item.id, -1), { by: -1 }),
      act("arrow_downward", `Move ${title} down`, () => move(item.id, 1), { by: 1 }),
      act("delete", `Remove ${title}`, () => change(() => call(`${base}/showcase/${item.id}`, { method: "DELETE" })), {})));
  return row;
}

/** @param {string} icon @param {string} name @param {() => void} run @param {Record<string, any>} data */
function act(icon, name, run, data) {
  return h("button", { class: "st-item__act", type: "button", "aria-label": name, title: name, data, on: { click: run } }, symbol(icon));
}

/** @param {string | null} url */
function picture(url) {
  return url ? h("img", { class: "st-item__picture", src: url, alt: "", loading: "lazy" }) : h("span", { class: "st-item__picture" });
}

/** @param {HTMLElement} row @param {Item} item */
function updateItem(row, item) {
  const at = items.indexOf(item);
  const left = item.variants.reduce((all, one) => all + one.left, 0);
  say(/** @type {Element} */ (row.querySelector(".st-item__number")), String(at + 1));
  const price = item.price ? money(item.price) : "no price";
  say(/** @type {Element} */ (row.querySelector('[data-part="facts"]')),
    `${item.product.merchant.name} · ${price} · ${left ? `${left} in stock` : "sold out"}`);
  for (const one of /** @type {NodeListOf<HTMLButtonElement>} */ (row.querySelectorAll("[data-by]"))) {
    one.disabled = one.dataset.by === "-1" ? at === 0 : at === items.length - 1;
  }
}

/** Dragging with mouse or finger: the row changes places with the neighbours it passes. @param {PointerEvent} down */
function drag(down) {
  const grip = /** @type {HTMLElement} */ (down.currentTarget);
  const row = /** @type {HTMLElement} */ (grip.closest(".st-item"));
  if (busy || down.button !== 0) return;
  down.preventDefault();
  grip.setPointerCapture(down.pointerId);
  row.classList.add("st-item--held");

  /** The others make way, so that the row keeps its hold on the pointer. @param {PointerEvent} event */
  function follow(event) {
    const others = [...list.children].filter((one) => one !== row);
    const middle = (/** @type {Element} */ one) => one.getBoundingClientRect().top + one.getBoundingClientRect().height / 2;
    const above = others.filter((one) => one.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING);
    const down = above.filter((one) => event.clientY < middle(one));
    const up = others.filter((one) => !above.includes(one) && event.clientY > middle(one));
    for (const one of down.reverse()) row.after(one);
    for (const one of up) row.before(one);
  }
  function drop() {
    grip.removeEventListener("pointermove", follow);
    row.classList.remove("st-item--held");
    const order = [...list.children].map((one) => /** @type {HTMLElement} */ (one).dataset.key ?? "");
    if (order.some((id, at) => id !== items[at]?.id)) void change(() => askOrder(order));
  }
  grip.addEventListener("pointermove", follow);
  grip.addEventListener("pointerup", drop, { once: true });
  grip.addEventListener("pointercancel", drop, { once: true });
}

/** @param {Product} product */
function makeProduct(product) {
  return h("li", { class: "st-item" },
    picture(product.image),
    h("div", { class: "st-item__words" },
      h("p", { class: "st-item__title" }, product.title),
      h("p", { class: "st-soft" }, `${product.merchant} · ${money(product.price)} · ${product.left ? `${product.left} in stock` : "sold out"}`),
      h("p", { class: "st-item__gain" }),
      h("p", { class: "st-soft", data: { part: "lock" } })),
    h("button", { class: "st-button", type: "button", data: { add: "" }, on: { click: () => add(product) } }));
}

/** @param {number} bp */
const percent = (bp) => `${(bp / 100).toLocaleString("en", { maximumFractionDigits: 2 })} %`;

/** What she gets of a sale at the list price. @param {Commission} commission */
function gain(commission) {
  return `${percent(commission.rate_bp)} commission, up to ${money(commission.each)} each`;
}

/** For how long nothing may make it less. @param {Commission} commission */
function lock(commission) {
  const own = "The merchant\u2019s own rate";
  if (!commission.locked_until) return `${own}, not locked`;
  const day = new Date(commission.locked_until).toLocaleDateString("en", { day: "numeric", month: "long" });
  const then = commission.then_bp === null ? "" : `, then ${percent(commission.then_bp)}`;
  return `${commission.plan ? `${commission.plan} \u00b7 locked` : own} until ${day}${then}`;
}

/** @param {Product} product */
function add(product) {
  void change(() => call(`${base}/showcase`, { method: "POST", body: { product: product.id } }));
}

/** @param {HTMLElement} row @param {Product} product */
function updateProduct(row, product) {
  const button = /** @type {HTMLButtonElement} */ (row.querySelector("[data-add]"));
  const there = items.some((one) => one.product.id === product.id);
  say(button, there ? "Added" : "Add");
  say(/** @type {Element} */ (row.querySelector(".st-item__gain")), gain(product.commission));
  say(/** @type {Element} */ (row.querySelector('[data-part="lock"]')), lock(product.commission));
  button.disabled = there || items.length >= most;
  button.setAttribute("aria-label", there ? `${product.title} is in the show` : `Add ${product.title}`);
}

function draw() {
  keyed(list, items, (one) => one.id, makeItem, updateItem);
  place("no-items").hidden = items.length > 0;
  say(place("count"), items.length ? `${items.length} of ${most}` : "");
  if (editable) keyed(place("products"), products, (one) => one.id, makeProduct, updateProduct);
}

let asked = 0;
const field = /** @type {HTMLInputElement} */ (place("search"));
const byPlan = /** @type {HTMLInputElement} */ (place("by-plan"));

/** @param {string} text */
function nothing(text) {
  if (text.trim()) return "Nothing found. Try another word.";
  return byPlan.checked ? "No merchant has a plan for you yet. Without one you get its own rate." : "No merchant offers anything yet.";
}

async function search() {
  const mine = ++asked;
  const text = field.value;
  try {
    const answer = await call(`${base}/products?q=${encodeURIComponent(text)}${byPlan.checked ? "&plan=yes" : ""}`);
    // A slow answer to an older question must not replace a newer one.
    if (mine !== asked) return;
    products = answer.products;
    say(place("found"), products.length ? "" : nothing(text));
    draw();
  } catch (error) {
    if (mine === asked) complain(error);
  }
}

draw();
if (editable) {
  /** @type {number | undefined} */
  let later;
  field.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(search, 200);
  });
  byPlan.addEventListener("change", search);
  void search();
}
