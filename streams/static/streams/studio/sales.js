/** What the show has sold: asked for when something was sold, and every few seconds while the page is looked at. */

import { fill, h, keyed, say } from "../../commerce/dom.js";
import { show as money } from "../../commerce/money.js";

/**
 * @typedef {import("../../commerce/money.js").Money} Money
 * @typedef {import("../show.js").Show} Show
 * @typedef {{item: string, units: number, revenue: Money[], commission: Money[]}} Sold
 * @typedef {{id: string, buyer: string, title: string, quantity: number, amount: Money, offer: boolean, at: number}} Line
 * @typedef {{units: number, purchases: number, being_paid: number, revenue: Money[], commission: Money[], items: Sold[], latest: Line[]}} Sales
 */

const EVERY_MS = 5000;
const SOON_MS = 900;

/** @param {Money[]} amounts */
const total = (amounts) => amounts.map(money).join(" + ") || "–";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {HTMLElement} box
 * @param {{show: Show, desk: import("./desk.js").Desk, first: Sales, now: () => number}} parts
 */
export function drawSales(box, { show, desk, first, now }) {
  const items = h("ul", { class: "cr-sold" });
  const latest = h("ol", { class: "cr-latest" });
  const nothing = h("p", { class: "nothing" }, "Nothing sold yet. Paid purchases appear here within seconds.");
  fill(box, nothing, h("h3", { class: "cr-sub" }, "By product"), items, h("h3", { class: "cr-sub" }, "Last purchases"), latest);
  /** @type {Sales} */
  let sales = first;

  function draw() {
    say(place("units"), sales.units.toLocaleString("en-GB"));
    say(place("revenue"), total(sales.revenue));
    say(place("commission"), total(sales.commission));
    say(place("paying"), sales.being_paid ? `${sales.being_paid} being paid now` : "");
    box.classList.toggle("cr-sales--none", sales.units === 0);
    nothing.hidden = sales.units > 0;
    const best = [...sales.items].sort((a, b) => b.units - a.units);
    keyed(items, best, (one) => one.item, () => h("li", { class: "cr-sold__row" }, h("span", { class: "cr-sold__title" }), h("span", { class: "cr-sold__units" }), h("span", { class: "cr-sold__money" })),
      (row, one) => {
        const [title, units, revenue] = row.children;
        say(title, show.items.find((item) => item.id === one.item)?.product.title ?? "No longer shown");
        say(units, String(one.units));
        say(revenue, total(one.revenue));
      });
    keyed(latest, sales.latest, (one) => one.id, (one) => h("li", { class: "cr-latest__row" },
      h("p", { class: "cr-latest__what" }, h("strong", {}, one.buyer), " ", one.quantity > 1 ? `${one.quantity} × ` : "", one.title),
      h("p", { class: "cr-latest__side" }, h("strong", {}, money(one.amount)), one.offer && h("span", { class: "tag" }, "Offer"), h("span", { class: "cr-latest__when" }))),
      (row, one) => say(/** @type {Element} */ (row.querySelector(".cr-latest__when")), ago(now() - one.at)));
  }

  let asking = false;
  async function ask() {
    if (asking || document.hidden) return;
    asking = true;
    try {
      sales = await desk.sales();
      draw();
    } catch {
      // The next time will do; a lost connection is told by the banner.
    } finally {
      asking = false;
    }
  }

  /** @type {number | undefined} */
  let soon;
  show.watch(["offers", "items"], () => {
    draw();
    clearTimeout(soon);
    soon = setTimeout(ask, SOON_MS);
  });
  setInterval(() => {
    // Cards are charged on after the show has ended.
    if (show.stream?.status === "live" || sales.being_paid) void ask();
    else draw();
  }, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
}

/** @param {number} ms */
function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}
