/** Where a purchase goes and which card pays, each with a way to change it. */

import { editAddress, lineOf } from "../commerce/address.js";
import { addCard, cardRow, nameOf, spokenNameOf } from "../commerce/cards.js";
import { fill, h, icon } from "../commerce/dom.js";
import { sentence } from "../commerce/sentences.js";
import { Sheet } from "../commerce/sheet.js";

/**
 * Where it goes and what pays, each with a way to change it.
 * @param {HTMLElement} place
 * @param {import("./checkout.js").Shop} shop
 * @param {(error: any) => void} complain
 */
export function drawParty(place, { session }, complain) {
  const { address, card } = session;
  place.hidden = !session.me || (!address && !card);
  const key = JSON.stringify([session.me?.id, address, card]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  fill(
    place,
    address &&
      h(
        "div",
        { class: "row" },
        icon("home"),
        h(
          "div",
          { class: "row__main" },
          h("p", { class: "row__title" }, address.name),
          h("p", { class: "row__text" }, lineOf(address)),
        ),
        h(
          "button",
          {
            class: "link",
            type: "button",
            "aria-label": "Change the delivery address",
            on: { click: () => editAddress(session, address) },
          },
          "Change",
        ),
      ),
    card &&
      h(
        "div",
        { class: "row" },
        icon("card"),
        h(
          "div",
          { class: "row__main" },
          h(
            "p",
            { class: "row__title" },
            h("span", { "aria-hidden": "true" }, nameOf(card)),
            h("span", { class: "visually-hidden" }, spokenNameOf(card)),
          ),
        ),
        h(
          "button",
          {
            class: "link",
            type: "button",
            "aria-label": "Pay with another card",
            on: { click: () => chooseCard(session, complain) },
          },
          "Change",
        ),
      ),
  );
}

/**
 * Let the buyer choose among her cards, or add one.
 * @param {import("../commerce/session.js").Session} session
 * @param {(error: any) => void} complain
 */
export function chooseCard(session, complain) {
  return new Promise((/** @type {(chosen: boolean) => void} */ done) => {
    const before = session.card?.id;
    const rows = h("div", { class: "rows" });
    const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
    const sheet = new Sheet({
      title: "Pay with",
      name: "choose-card",
      onClose: () => {
        session.removeEventListener("change", draw);
        done(session.card?.id !== before);
      },
    });
    /** @param {() => Promise<any>} run */
    const attempt = async (run) => {
      try {
        await run();
        complain(null);
      } catch (error) {
        wrong.textContent = sentence(error);
        wrong.hidden = false;
      }
    };
    function draw() {
      fill(
        rows,
        (session.cards ?? []).map((one) =>
          cardRow(session, one, async (run) => {
            await attempt(run);
            if (session.card?.id !== before) sheet.close();
          }),
        ),
      );
    }
    session.addEventListener("change", draw);
    draw();
    sheet
      .show(wrong, rows)
      .footer(
        h(
          "button",
          {
            class: "button button--main button--wide",
            type: "button",
            on: {
              click: async () => {
                if (await addCard(session)) sheet.close();
              },
            },
          },
          icon("plus"),
          "Add a card",
        ),
      )
      .open();
  });
}
