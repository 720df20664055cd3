/**
 * The buy sheet: what, to where, with which card, the total, and one button. The button always does the next thing
 * that is missing (sign in, address, card) until it can pay; afterwards the sheet follows the purchase to its end.
 */

import { enter } from "../commerce/account.js";
import { editAddress } from "../commerce/address.js";
import { call } from "../commerce/api.js";
import { addCard } from "../commerce/cards.js";
import { fill, h, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { sentence } from "../commerce/sentences.js";
import { busy, Sheet } from "../commerce/sheet.js";
import { countdown, dayOf, everyTick, shortDay } from "../streams/clock.js";
import { worth } from "../streams/coupons.js";
import { makeStepper } from "../streams/stepper.js";
import { picture } from "../streams/showcase.js";
import { chargeRows, quote, said } from "./charges.js";
import { bestCoupon } from "./discount.js";
import { followUp, purchasePanel } from "./panel.js";
import { drawParty } from "./party.js";
import { priced } from "./wanted.js";

/**
 * @typedef {import("./wanted.js").Wanted} Wanted
 * @typedef {{show: import("../streams/show.js").Show, session: import("../commerce/session.js").Session,
 *   room: import("../streams/room.js").Room, attempts: import("./attempts.js").Attempts, now: () => number}} Shop
 */

/**
 * @param {Wanted[]} wanted
 * @param {Shop} shop
 */
export function openCheckout(wanted, shop) {
  const { show, session, attempts, now, room } = shop;
  let lines = wanted.map((one) => ({ ...one }));
  /** @type {string | null} id of the purchase this sheet became */
  let bought = null;

  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const list = h("div", { class: "rows" });
  const party = h("div", { class: "rows checkout__party" });
  const total = h("span", { class: "total__sum" });
  const saved = h("span", {});
  const couponWords = h("span", {});
  const couponRow = h("p", { class: "total total--coupon", hidden: true }, couponWords, saved);
  const charges = h("div", { class: "total__charges" });
  const totalRow = h("p", { class: "total" }, h("span", {}, "Total"), total);
  const pay = h("button", { class: "button button--main button--wide", type: "button" });
  const promise = h("p", { class: "note checkout__promise" });
  const sheet = new Sheet({ title: "Buy", name: "checkout", onClose: () => stops.forEach((stop) => stop()) });

  /** @param {any} error */
  const complain = (error) => {
    wrong.textContent = error ? sentence(error) : "";
    wrong.hidden = !error;
    if (error) wrong.scrollIntoView({ block: "nearest" });
  };

  /** What the shop said that these lines cost, with shipping and tax. @type {import("./charges.js").Said | null} */
  let answered = null;
  /** What it was asked the price of last. */
  let asked = "";
  /** Why these lines cannot be sent to this address. @type {any} */
  let barred = null;

  /** The lines with the coupon that takes most off them. */
  function priceNow() {
    const at = priced(lines, show, now());
    const best = bestCoupon(show, at.lines, now());
    const prices = at.lines.map((one) => [one.variant, one.quantity, one.price, one.offer?.id]);
    const of = JSON.stringify([best?.coupon.id, session.address, prices]);
    const less = { ...at.total, amount: at.total.amount - (best?.off ?? 0) };
    const told = answered?.of === of ? answered : null;
    const off = told?.off ?? best?.off ?? 0;
    return { ...at, of, total: told?.total ?? less, off, orders: told?.orders ?? [], coupon: best?.coupon ?? null };
  }

  /** The show that it is bought in: a turn belongs to it also when it is over. */
  const boughtIn = () =>
    show.stream && (show.stream.status === "live" || lines.some((one) => one.turn)) ? show.stream.slug : null;

  /** @param {ReturnType<typeof priceNow>} at */
  const wantedOf = (at) => at.lines.map(({ variant, quantity, offer }) => ({ variant, quantity, offer: offer?.id ?? null }));

  /** Ask for shipping and tax once there is an address; until the answer comes the till itself would say. */
  async function lookUp() {
    const at = priceNow();
    if (!session.me || !session.address || at.gone || at.opens || asked === at.of || answered?.of === at.of) return;
    asked = at.of;
    if (barred) complain(null);
    barred = null;
    const merchants = at.lines.map((one) => show.find(one.variant)?.item.product.merchant.id);
    try {
      const found = await quote({ lines: wantedOf(at), coupon: at.coupon?.id ?? null, stream: boughtIn() }, at.of, merchants);
      if (found && asked === at.of) answered = found;
    } catch (/** @type {any} */ error) {
      if (asked === at.of && error.code === "NOT_SHIPPED_THERE") complain((barred = error));
    }
    draw();
  }

  function draw() {
    if (bought) return;
    const at = priceNow();
    couponRow.hidden = !at.coupon;
    if (at.coupon) {
      say(couponWords, `Coupon: ${worth(at.coupon)}`);
      say(saved, `−${money.show({ ...at.total, amount: at.off })}`);
    }
    const charged = JSON.stringify(at.orders);
    if (charges.dataset.key !== charged) fill(charges, chargeRows(at.orders, "total total--charge"));
    charges.dataset.key = charged;
    fill(
      list,
      at.lines.map((line) =>
        lineRow(
          line,
          lines.length === 1,
          (by) => {
            lines[0].quantity += by;
            complain(null);
            draw();
          },
          now(),
        ),
      ),
    );
    drawParty(party, shop, complain);
    say(total, money.show(at.total));
    const step = nextStep(session, at);
    say(pay, wordsFor(step, at));
    pay.disabled = step === "gone" || step === "early" || (step === "pay" && Boolean(barred));
    const when = at.release
      ? `they ship from ${dayOf(at.release)}, and the card is charged then.`
      : "the card is charged right after.";
    say(promise, step === "pay" ? `Your pieces are kept for you the moment you press; ${when}` : "");
    promise.hidden = !promise.textContent;
    void lookUp();
  }

  pay.addEventListener("click", () =>
    busy(pay, async () => {
      complain(null);
      const at = priceNow();
      try {
        await takeStep(nextStep(session, at), at);
      } catch (error) {
        complain(error);
      }
      draw();
    }),
  );

  /** @param {keyof typeof STEPS | "pay"} step @param {ReturnType<typeof priceNow>} at */
  async function takeStep(step, at) {
    if (step === "enter") {
      if (
        await enter(session, {
          why: "Sign in to buy. Your card and address are kept for the next time.",
        })
      )
        await session.load();
    } else if (step === "load") await session.load();
    else if (step === "address") await editAddress(session);
    else if (step === "card") await addCard(session);
    else if (step === "pay") await press(at);
  }

  /** @param {ReturnType<typeof priceNow>} at */
  async function press(at) {
    try {
      const purchase = await attempts.place(
        {
          lines: wantedOf(at),
          expect_total: at.total,
          card: session.card?.id ?? null,
          seen: room.position,
          coupon: at.coupon?.id ?? null,
        },
        boughtIn(),
      );
      follow(purchase);
    } catch (/** @type {any} */ error) {
      if (error.temporary && error.code !== "OFFER_NOT_STARTED") throw new NoAnswerYet();
      if (STALE.has(error.code)) await lookAgain(show);
      if (error.code === "PRICE_CHANGED" && error.data?.total) answered = said(priceNow().of, error.data);
      if (error.code === "CARD_REQUIRED" || error.code === "ADDRESS_REQUIRED")
        await session.load({ again: true });
      throw error;
    }
  }

  /** @param {any} purchase */
  function follow(purchase) {
    bought = purchase.id;
    show.keepPurchase(purchase);
    followUp(purchase, shop);
    sheet.title.textContent = "Your purchase";
    const panel = purchasePanel(purchase.id, shop, { close: () => sheet.close() });
    stops.push(panel.stop);
    sheet.show(panel.element).footer(panel.buttons);
    sheet.title.focus();
  }

  const refreshParty = () => draw();
  session.addEventListener("change", refreshParty);
  const stops = [
    () => session.removeEventListener("change", refreshParty),
    show.watch(["items", "offers", "stream", "coupons"], draw),
    everyTick(() => {
      if (show.offers.size || show.claims.size || lines.some((one) => one.turn)) draw();
    }),
  ];
  sheet.show(wrong, list, party).footer(couponRow, charges, totalRow, pay, promise).open();
  session.load().catch(complain);
}

/** Refusals which say that the page shows something else than the shop has. */
const STALE = new Set(["PRICE_BELOW_FLOOR", "COUPON_NOT_USABLE", "UNKNOWN_COUPON", "PRICE_CHANGED", "NOT_FOR_SALE", "OUT_OF_STOCK", "OFFER_ENDED", "OFFER_MISMATCH"]);

/**
 * Bring the page up to date; where that fails, the refusal is still what the buyer has to hear.
 * @param {import("../streams/show.js").Show} show
 */
async function lookAgain(show) {
  const found = await call(`live/${show.stream?.slug}/snapshot`).catch(() => null);
  if (found) show.snapshot(found.snapshot);
}

class NoAnswerYet extends Error {
  constructor() {
    super("The shop has not answered yet. Press again: you cannot be charged twice for this.");
    this.code = "NO_ANSWER_YET";
  }
}

const STEPS = {
  enter: "Sign in to buy",
  load: "One moment…",
  address: "Add delivery address",
  card: "Add a card",
  gone: "Sold out",
  early: "Not yet",
};

/** @param {keyof typeof STEPS | "pay"} step @param {ReturnType<typeof priced>} at */
function wordsFor(step, at) {
  if (step === "early" && at.opens) return `Taken from ${shortDay(at.opens)}`;
  return step === "pay" ? `${at.release ? "Pre-order for" : "Pay"} ${money.show(at.total)}` : STEPS[step];
}

/**
 * @param {import("../commerce/session.js").Session} session
 * @param {ReturnType<typeof priced>} at
 * @returns {keyof typeof STEPS | "pay"}
 */
function nextStep(session, at) {
  if (at.gone) return "gone";
  if (at.opens) return "early";
  if (!session.me) return "enter";
  if (!session.addresses || !session.cards) return "load";
  if (!session.address) return "address";
  if (!session.card) return "card";
  return "pay";
}

/**
 * @param {ReturnType<typeof priced>["lines"][number]} line
 * @param {boolean} alone Whether its quantity can be changed here.
 * @param {(by: number) => void} step
 * @param {number} now
 */
function lineRow(line, alone, step, now) {
  const stepper = alone && line.most > 1 ? makeStepper(step) : null;
  stepper?.set(line.quantity, line.most);
  return h(
    "div",
    { class: "row line" },
    picture(line.image, "line__picture"),
    h(
      "div",
      { class: "row__main" },
      h("p", { class: "row__title" }, line.title),
      line.choice && h("p", { class: "row__text" }, line.choice),
      h(
        "p",
        { class: "row__text" },
        !stepper && line.quantity > 1 && `${line.quantity} × `,
        h("span", { class: line.offer ? "price--live" : "" }, money.show(line.price)),
        line.reference &&
          line.reference.amount > line.price.amount && [
            " ",
            h("s", { class: "price__before" }, money.show(line.reference)),
          ],
      ),
      line.offer &&
        h("p", { class: "row__text line__offer" }, `Live price for ${countdown(line.offer.ends_at - now)}`),
      line.gone &&
        h("p", { class: "row__text line__gone" }, line.left > 0 ? `Only ${line.left} left` : "Sold out"),
    ),
    stepper ? stepper.element : h("strong", {}, money.show(money.times(line.price, line.quantity))),
  );
}
