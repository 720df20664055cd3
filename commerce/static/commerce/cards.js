/** Saved cards. The card number is typed into the provider's own form, in a frame that we cannot look into. */

import { call } from "./api.js";
import { h } from "./dom.js";
import { sentence } from "./sentences.js";
import { busy, Sheet } from "./sheet.js";
import { listen, loadStripe } from "./provider.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./session.js").Card} Card */

/** @type {Record<string, string>} */
const BRANDS = {
  visa: "Visa",
  mastercard: "Mastercard",
  amex: "American Express",
  discover: "Discover",
  diners: "Diners Club",
  jcb: "JCB",
  unionpay: "UnionPay",
};

/** @param {{brand: string, last4: string}} card */
export function nameOf(card) {
  return `${BRANDS[card.brand] ?? "Card"} ···· ${card.last4}`;
}

/** For screen readers, which should not read the dots. @param {{brand: string, last4: string}} card */
export function spokenNameOf(card) {
  return `${BRANDS[card.brand] ?? "Card"} ending in ${card.last4}`;
}

/**
 * Let the visitor add a card.
 * @param {Session} session
 * @returns {Promise<boolean>} Whether one was added.
 */
export function addCard(session) {
  return new Promise((done) => {
    let added = false;
    let stop = () => {};
    const status = h("p", { class: "note", role: "status" }, "Opening the card form…");
    const place = h("div", { class: "card-form" });
    const sheet = new Sheet({
      title: "Add a card",
      name: "card",
      onClose: () => {
        stop();
        done(added);
      },
    });
    const again = h(
      "button",
      {
        class: "button button--wide",
        type: "button",
        hidden: true,
        on: { click: () => void busy(again, start) },
      },
      "Try again",
    );
    sheet.show(place, status, again).open();

    /** @param {string} setupIntent */
    const finish = async (setupIntent) => {
      status.textContent = "Saving your card…";
      try {
        await session.addCard(setupIntent);
        added = true;
        sheet.close();
      } catch (error) {
        fail(sentence(error));
      }
    };
    /** @param {string} text */
    const fail = (text) => {
      status.textContent = text;
      again.hidden = false;
    };
    async function start() {
      again.hidden = true;
      stop();
      try {
        const setup = await call("cards/setup", { method: "POST" });
        if (setup.sheet_url) stop = showFrame(place, setup, status, finish, fail);
        else await mountPaymentElement(place, setup, status, finish, fail);
      } catch (error) {
        fail(sentence(error));
      }
    }
    void start();
  });
}

/**
 * The simulator's card form in a frame. Returns how to stop listening to it.
 * @param {HTMLElement} place
 * @param {{sheet_url: string, client_secret: string}} setup
 * @param {HTMLElement} status
 * @param {(setupIntent: string) => void} finish
 * @param {(text: string) => void} fail
 */
function showFrame(place, setup, status, finish, fail) {
  const frame = h("iframe", { class: "sheet__frame", title: "Card form", src: setup.sheet_url });
  place.replaceChildren(frame);
  frame.addEventListener(
    "load",
    () => {
      status.textContent = "";
    },
    { once: true },
  );
  return listen(frame, setup.sheet_url, (answer) => {
    // After "declined" the form itself says so and lets another card be tried.
    if (answer.status === "succeeded") finish(setup.client_secret.split("_secret_")[0]);
    else if (answer.status === "canceled") fail("No card was saved.");
    else if (answer.status === "failed") fail("Your bank did not confirm the card. Try another one.");
  });
}

/**
 * The real provider's own element.
 * @param {HTMLElement} place
 * @param {{client_secret: string, publishable_key: string}} setup
 * @param {HTMLElement} status
 * @param {(setupIntent: string) => void} finish
 * @param {(text: string) => void} fail
 */
async function mountPaymentElement(place, setup, status, finish, fail) {
  const stripe = await loadStripe(setup.publishable_key);
  const elements = stripe.elements({ clientSecret: setup.client_secret });
  const mount = h("div", { class: "card-form__element" });
  const save = h("button", { class: "button button--main button--wide", type: "button" }, "Save card");
  place.replaceChildren(mount, save);
  elements.create("payment").mount(mount);
  status.textContent = "";
  save.addEventListener("click", () =>
    busy(save, async () => {
      const { error, setupIntent } = await stripe.confirmSetup({ elements, redirect: "if_required" });
      if (error) fail(error.message ?? "The card was not accepted. Try another one.");
      else if (setupIntent.status === "succeeded") finish(setupIntent.id);
      else fail("The card could not be saved. Try another one.");
    }),
  );
}

/**
 * A saved card as a row with what can be done to it.
 * @param {Session} session
 * @param {Card} card
 * @param {(run: () => Promise<any>) => Promise<void>} attempt
 */
export function cardRow(session, card, attempt) {
  const ends = `${String(card.exp_month).padStart(2, "0")}/${String(card.exp_year % 100).padStart(2, "0")}`;
  return h(
    "div",
    { class: "row" },
    h(
      "div",
      { class: "row__main" },
      h(
        "p",
        { class: "row__title" },
        h("span", { "aria-hidden": "true" }, nameOf(card)),
        h("span", { class: "visually-hidden" }, spokenNameOf(card)),
        " ",
        card.is_default && h("span", { class: "tag" }, "Pays"),
      ),
      h("p", { class: "row__text" }, `Valid until ${ends}`),
    ),
    !card.is_default &&
      h(
        "button",
        {
          class: "link",
          type: "button",
          "aria-label": `Pay with ${spokenNameOf(card)}`,
          on: { click: () => attempt(() => session.makeDefault(card.id)) },
        },
        "Use",
      ),
    h(
      "button",
      {
        class: "link",
        type: "button",
        "aria-label": `Remove ${spokenNameOf(card)}`,
        on: { click: () => attempt(() => session.removeCard(card.id)) },
      },
      "Remove",
    ),
  );
}
