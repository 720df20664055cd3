/** The cart: what the shopper collected, with quantities, totals and the way to pay. */

import { enter } from "../commerce/account.js";
import { fill, h, icon, keyed, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { sentence } from "../commerce/sentences.js";
import { dayOf, everyTick, shortDay } from "../streams/clock.js";
import { worth } from "../streams/coupons.js";
import { makeStepper } from "../streams/stepper.js";
import { picture } from "../streams/showcase.js";
import { change, readCart } from "./carting.js";
import { chargeRows } from "./charges.js";
import { bestCoupon } from "./discount.js";
import { drawHold } from "./holding.js";
import { pricedLine } from "./wanted.js";

/**
 * @typedef {import("./checkout.js").Shop} Shop
 * @typedef {import("./wanted.js").Wanted} Wanted
 * @typedef {import("./carting.js").CartLine} CartLine
 */

/** @param {CartLine} line @returns {Wanted} */
function wantedOf({ variant, quantity, title, image, price, left, release_at, opens_at }) {
  return { variant, quantity, kept: { title, image, price, left, release_at, opens_at } };
}

/**
 * @param {HTMLElement} place
 * @param {HTMLElement} foot
 * @param {Shop} shop
 * @param {(wanted: Wanted[]) => void} checkOut
 * @returns {() => void} How to stop drawing.
 */
export function drawCart(place, foot, shop, checkOut) {
  const { show, session, now } = shop;
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const list = h("ul", { class: "rows" });
  const nothing = h(
    "div",
    { class: "nothing" },
    icon("cart"),
    h("p", { class: "nothing__title" }, "Your cart is empty"),
    h("p", {}, "Collect what you like during the show and pay once."),
  );
  place.replaceChildren(wrong, list, nothing);

  /** @param {() => Promise<void>} run */
  const attempt = async (run) => {
    wrong.hidden = true;
    try {
      await run();
    } catch (error) {
      wrong.textContent = sentence(error);
      wrong.hidden = false;
    }
  };
  /** @type {Map<string, ReturnType<typeof makeStepper>>} */
  const steppers = new Map();

  /** @param {string} variant @returns {number} */
  const quantityOf = (variant) =>
    show.cart?.lines.find((/** @type {CartLine} */ one) => one.variant === variant)?.quantity ?? 0;

  /** @param {CartLine} line */
  const make = (line) => {
    const stepper = makeStepper((by) =>
      attempt(async () => {
        const quantity = quantityOf(line.variant) + by;
        if (quantity > 0) await change(shop, "cart.update", { variant: line.variant, quantity });
        else await change(shop, "cart.remove", { variant: line.variant });
      }),
    );
    steppers.set(line.variant, stepper);
    return h(
      "li",
      { class: "row line" },
      picture(line.image, "line__picture"),
      h(
        "div",
        { class: "row__main" },
        h("p", { class: "row__title" }, line.title),
        h("p", { class: "row__text line__price" }),
        h("p", { class: "row__text line__merchant" }, line.merchant.name),
        h("p", { class: "row__text line__release", hidden: true }),
        h("p", { class: "row__text line__gone" }),
        h("p", { class: "row__text line__hold", hidden: true }),
      ),
      h(
        "div",
        { class: "line__end" },
        stepper.element,
        h(
          "button",
          {
            class: "link line__remove",
            type: "button",
            "aria-label": `Remove ${line.title}`,
            on: { click: () => attempt(() => change(shop, "cart.remove", { variant: line.variant })) },
          },
          "Remove",
        ),
      ),
    );
  };
  /** @param {HTMLElement} element @param {CartLine} line */
  const update = (element, line) => {
    const at = pricedLine(wantedOf(line), show, now());
    steppers.get(line.variant)?.set(line.quantity, Math.max(line.quantity, Math.min(99, at.left)), 0);
    const price = /** @type {HTMLElement} */ (element.querySelector(".line__price"));
    say(price, money.show(at.price) + (at.offer ? " live price" : ""));
    price.classList.toggle("price--live", Boolean(at.offer));
    const gone = /** @type {HTMLElement} */ (element.querySelector(".line__gone"));
    say(gone, at.gone ? (at.left > 0 ? `Only ${at.left} left` : "Sold out") : "");
    gone.hidden = !at.gone;
    const release = /** @type {HTMLElement} */ (element.querySelector(".line__release"));
    const taken = at.opens ? `taken from ${dayOf(at.opens)}, ` : "";
    say(release, at.release ? `Pre-order: ${taken}ships from ${dayOf(at.release)}, charged when it ships` : "");
    release.hidden = !at.release;
    drawHold(/** @type {HTMLElement} */ (element.querySelector(".line__hold")), line, {
      now: now(),
      guest: !session.me,
      gone: at.gone,
      again: () =>
        attempt(() => change(shop, "cart.update", { variant: line.variant, quantity: quantityOf(line.variant) })),
      enter: () => enter(session, { why: "Sign in, and what you collected comes with you." }),
    });
  };
  let footed = "";
  const refresh = () => {
    /** @type {CartLine[]} */
    const lines = show.cart?.lines ?? [];
    keyed(list, lines, (line) => line.variant, make, update);
    list.hidden = lines.length === 0;
    nothing.hidden = lines.length > 0;
    const totals = inOnePayment(lines.map((line) => ({ line, at: pricedLine(wantedOf(line), show, now()) })));
    const parts = [...totals.values()].map((part) => ({ ...part, best: bestCoupon(show, part.at, now()) }));
    const told = show.cart?.totals ?? [];
    const key = JSON.stringify([told, parts.length, ...parts.map(({ title, sum, gone, opens, best }) => [title, sum, gone, opens, best?.coupon.id, best?.off])]);
    if (key === footed) return;
    footed = key;
    const currencies = new Set(parts.map((part) => part.sum.currency)).size;
    fill(
      foot,
      parts.map((part) =>
        h(
          "div",
          { class: "cart__total" },
          part.best &&
            h(
              "p",
              { class: "total total--coupon" },
              h("span", {}, `Coupon: ${worth(part.best.coupon)}`),
              h("span", {}, `−${money.show({ ...part.sum, amount: part.best.off })}`),
            ),
          charged(told, part, parts.length)?.rows,
          h(
            "p",
            { class: "total" },
            h("span", {}, parts.length > 1 ? part.title || (currencies > 1 ? `Total in ${part.sum.currency}` : "Ships now") : "Total"),
            h("span", { class: "total__sum" }, money.show(charged(told, part, parts.length)?.total ?? { ...part.sum, amount: part.sum.amount - (part.best?.off ?? 0) })),
          ),
          h(
            "button",
            {
              class: "button button--main button--wide",
              type: "button",
              disabled: part.gone || Boolean(part.opens),
              on: { click: () => checkOut(part.lines.map(wantedOf)) },
            },
            part.gone
              ? "Take out what is sold out"
              : part.opens
                ? `Taken from ${shortDay(part.opens)}`
                : part.release
                  ? "Check out the pre-order"
                  : "Check out",
          ),
        ),
      ),
    );
  };
  const stops = [
    show.watch(["cart", "items", "offers", "coupons"], refresh),
    everyTick(() => {
      const timed = show.cart?.lines.some((/** @type {CartLine} */ one) => one.held_until || one.opens_at);
      if (show.offers.size || show.claims.size || timed) refresh();
    }),
  ];
  session.addEventListener("change", refresh);
  stops.push(() => session.removeEventListener("change", refresh));
  if (!show.cart) void attempt(() => readCart(shop));
  return () => stops.forEach((stop) => stop());
}

/**
 * What is paid at once with its shipping and tax, as the shop has counted them; only where it is all of the cart.
 * @param {{currency: string, amount: number, orders?: import("./charges.js").Charged[]}[]} totals
 * @param {{sum: money.Money, best: {off: number} | null}} part
 * @param {number} parts
 */
function charged(totals, part, parts) {
  const told = totals.find((one) => one.currency === part.sum.currency && one.orders);
  if (!told?.orders) return null;
  const goods = told.orders.reduce((sum, /** @type {any} */ order) => sum + order.goods.amount, 0);
  if (parts > 1 || part.best || goods !== part.sum.amount)
    return { rows: [h("p", { class: "total total--charge" }, "Shipping and tax are shown when you check out.")], total: null };
  return { rows: chargeRows(told.orders, "total total--charge"), total: { amount: told.amount, currency: told.currency } };
}

/**
 * What is paid at once: the goods in one currency, and the pre-orders of one merchant, which are charged when they ship.
 * @param {{line: CartLine, at: ReturnType<typeof pricedLine>}[]} lines
 */
function inOnePayment(lines) {
  /** @type {Map<string, {title: string, release: boolean, lines: CartLine[], at: ReturnType<typeof pricedLine>[],
   *   sum: money.Money, gone: boolean, opens: number}>} */
  const parts = new Map();
  for (const { line, at } of lines) {
    const { currency } = at.price;
    const key = at.release ? `${currency} ${line.merchant.id}` : currency;
    const part = parts.get(key) ?? {
      title: at.release ? `Pre-order from ${line.merchant.name}` : "",
      release: Boolean(at.release),
      lines: [],
      at: [],
      sum: { amount: 0, currency },
      gone: false,
      opens: 0,
    };
    part.lines.push(line);
    part.at.push(at);
    part.sum = money.sum([part.sum, money.times(at.price, line.quantity)]);
    part.gone ||= at.gone;
    part.opens = Math.max(part.opens, at.opens ?? 0);
    parts.set(key, part);
  }
  return parts;
}
