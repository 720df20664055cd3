/** The product sheet: picture, words, the choice of a variant, quantity, and the two ways on: cart or buy. */

import { fill, h, say } from "../commerce/dom.js";
import * as money from "../commerce/money.js";
import { busy, Sheet } from "../commerce/sheet.js";
import { countdown, dayOf, everyTick, shortDay } from "./clock.js";
import { drawChoices } from "./choices.js";
import { nextOffer, priceOf } from "./prices.js";
import { makeStepper } from "./stepper.js";
import { FEW, picture } from "./showcase.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./show.js").Item} Item
 * @typedef {import("./show.js").Variant} Variant
 */

/**
 * @param {Item} opened
 * @param {{show: Show, now: () => number, buy: (variant: Variant, quantity: number) => void,
 *   stands: (variant: Variant) => boolean, lineUp: (variant: Variant, offer: string | null) => Promise<any>,
 *   addToCart: (variant: Variant, quantity: number) => Promise<boolean>}} parts
 */
export function openProduct(opened, { show, now, buy, stands, lineUp, addToCart }) {
  let chosen = firstChoice(show, opened, now());
  let quantity = 1;
  const item = () => show.items.find((one) => one.id === opened.id) ?? opened;
  const variant = () => item().variants.find((one) => one.id === chosen) ?? null;

  const price = h("p", { class: "detail__price", "aria-live": "polite" });
  const state = h("p", { class: "detail__state" });
  const gone = h("span", {});
  const join = h("button", { class: "link", type: "button" }, "Line up");
  const line = h("p", { class: "note detail__line", hidden: true }, gone, " ", join);
  const choices = h("div", { class: "detail__choices" });
  const stepper = makeStepper((by) => {
    quantity += by;
    draw();
  });
  const cart = h("button", { class: "button", type: "button" }, "Add to cart");
  const now_ = h("button", { class: "button button--main", type: "button" }, "Buy now");
  const sheet = new Sheet({
    title: opened.product.title,
    name: "product",
    onClose: () => stops.forEach((stop) => stop()),
  });

  cart.addEventListener("click", () =>
    busy(cart, async () => {
      const picked = variant();
      if (picked && (await addToCart(picked, quantity))) sheet.close();
    }),
  );
  now_.addEventListener("click", () => {
    const picked = variant();
    if (!picked) return;
    sheet.close();
    buy(picked, quantity);
  });

  join.addEventListener("click", () =>
    busy(join, async () => {
      const picked = variant();
      if (picked) await lineUp(picked, soldOutFor(picked)?.id ?? null);
      drawState();
    }),
  );

  /** The live price that is sold out while its time runs. @param {Variant} picked */
  function soldOutFor(picked) {
    const over = show.soldOut.get(item().id);
    return over && now() < over.ends_at && [null, picked.id].includes(over.variant) ? over : null;
  }

  function draw() {
    const picked = variant();
    drawChoices(choices, item(), chosen, show, now(), (id) => {
      chosen = id;
      quantity = 1;
      draw();
    });
    const at = picked && priceOf(show, item(), picked, now());
    const most = at ? at.most : 0;
    quantity = Math.max(1, Math.min(quantity, most || 1));
    fill(
      price,
      at && h("span", { class: at.offer ? "price price--live" : "price" }, money.show(at.price)),
      at?.reference &&
        at.reference.amount > at.price.amount &&
        h(
          "s",
          { class: "price__before" },
          h("span", { class: "visually-hidden" }, "instead of "),
          money.show(at.reference),
        ),
    );
    stepper.set(quantity, most);
    now_.disabled = !most;
    // What her cart holds is in it already.
    cart.disabled = !picked?.left || Boolean(at?.opens);
    say(now_, most ? "Buy now" : at?.opens && at.left ? `From ${shortDay(at.opens)}` : "Sold out");
    drawState();
  }
  function drawState() {
    const picked = variant();
    const at = picked && priceOf(show, item(), picked, now());
    if (!at) say(state, "");
    else if (!at.left) say(state, "Sold out");
    else if (!picked.left) say(state, at.left > 1 ? `The last ${at.left} are held for you` : "The last one is held for you");
    else if (at.opens)
      say(state, `Pre-order: taken from ${dayOf(at.opens)}, ships from ${dayOf(picked.release_at ?? at.opens)}`);
    else if (picked.release_at && picked.release_at > now())
      say(state, `Pre-order: ships from ${dayOf(picked.release_at)}; your card is charged when it ships`);
    else if (!at.offer && nextOffer(show, item(), now())) say(state, aheadOf(nextOffer(show, item(), now())));
    else if (at.offer)
      say(
        state,
        `Live price for ${countdown(at.offer.ends_at - now())} · ${at.left} left · at most ${at.offer.per_buyer} each`,
      );
    else say(state, at.left <= FEW ? `Only ${at.left} left` : "In stock");
    state.classList.toggle("detail__state--offer", Boolean(at?.offer && at.left));
    const over = picked && soldOutFor(picked);
    line.hidden = !picked || show.stream?.status !== "live" || (!over && picked.left > 0) || stands(picked);
    say(gone, over ? `The live price of ${money.show(over.price)} is sold out.` : "One may come back.");
    join.setAttribute("aria-label", `Line up for ${opened.product.title}`);
  }

  /** @param {import("./show.js").Offer | null} next */
  function aheadOf(next) {
    return next ? `Live price of ${money.show(next.price)} in ${countdown(next.starts_at - now())}` : "";
  }

  let running = "";
  const stops = [
    show.watch(["items", "offers", "cart"], draw),
    everyTick(() => {
      const picked = variant();
      const at = picked && priceOf(show, item(), picked, now());
      const key = `${at?.offer?.id} ${at?.opens}`;
      if (key !== running) draw();
      running = key;
      drawState();
    }),
  ];
  sheet.show(
    h(
      "div",
      { class: "detail" },
      h("div", { class: "detail__image" }, picture(opened.product.image, "detail__picture")),
      h(
        "div",
        { class: "detail__words" },
        price,
        state,
        line,
        h("p", { class: "note" }, `Sold and sent by ${opened.product.merchant.name}`),
      ),
    ),
    choices,
    h(
      "div",
      { class: "detail__quantity" },
      h("span", { class: "field__label", id: "how-many" }, "How many"),
      stepper.element,
    ),
    opened.product.description &&
      h("p", { class: "detail__text" }, opened.product.description.replace(/^- /gm, "• ")),
  );
  sheet.footer(h("div", { class: "pair" }, cart, now_)).open();
}

/** @param {Show} show @param {Item} item @param {number} now */
function firstChoice(show, item, now) {
  const at = item.variants.map((one) => ({ one, ...priceOf(show, item, one, now) }));
  return (
    (at.find((one) => one.offer && one.left > 0) ?? at.find((one) => one.left > 0) ?? at[0])?.one.id ?? ""
  );
}
