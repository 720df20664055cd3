/** The account sheet: signing in and up, and, once signed in, name, addresses, cards and the way out. */

import { editAddress, lineOf } from "./address.js";
import { addCard, cardRow } from "./cards.js";
import { fill, h } from "./dom.js";
import { sentence } from "./sentences.js";
import { busy, field, Sheet, showWrong } from "./sheet.js";

/** @typedef {import("./session.js").Session} Session */

/**
 * Ask the visitor to sign in or up.
 * @param {Session} session
 * @param {{why?: string}} [how]
 * @returns {Promise<boolean>} Whether she is signed in now.
 */
export function enter(session, { why = "" } = {}) {
  if (session.me) return Promise.resolve(true);
  return new Promise((done) => {
    const sheet = new Sheet({ title: "", name: "account", onClose: () => done(Boolean(session.me)) });
    const draw = (/** @type {"in" | "up"} */ which) => {
      sheet.title.textContent = which === "up" ? "Create your account" : "Sign in";
      sheet.show(why && h("p", { class: "note account__why" }, why), entrance(session, which, sheet, draw));
    };
    draw("in");
    sheet.open();
    sheet.body.querySelector("input")?.focus();
  });
}

/**
 * @param {Session} session
 * @param {"in" | "up"} which
 * @param {Sheet} sheet
 * @param {(which: "in" | "up") => void} draw
 */
function entrance(session, which, sheet, draw) {
  const isNew = which === "up";
  const name = field({
    name: "name",
    label: "Your name",
    hint: "Others see it in the chat.",
    autocomplete: "name",
    maxlength: 80,
    required: true,
  });
  const email = field({
    name: "email",
    label: "E-mail",
    type: "email",
    autocomplete: "username",
    maxlength: 254,
    required: true,
  });
  const password = field({
    name: "password",
    label: "Password",
    type: "password",
    required: true,
    maxlength: 128,
    ...(isNew
      ? { hint: "At least 8 characters.", autocomplete: "new-password", minlength: 8 }
      : { autocomplete: "current-password" }),
  });
  const fields = { ...(isNew ? { name } : {}), email, password };
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const button = h(
    "button",
    { class: "button button--main button--wide", type: "submit" },
    isNew ? "Create account" : "Sign in",
  );
  const submit = async () => {
    wrong.hidden = true;
    for (const one of Object.values(fields)) one.complain();
    try {
      if (isNew) await session.signUp({ name: name.value, email: email.value, password: password.value });
      else await session.signIn({ email: email.value, password: password.value });
      sheet.close();
    } catch (error) {
      showWrong(error, fields, wrong);
    }
  };
  return h(
    "form",
    {
      class: "form",
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void busy(button, submit);
        },
      },
    },
    wrong,
    Object.values(fields).map((one) => one.element),
    button,
    h(
      "p",
      { class: "note form__other" },
      isNew ? "Been here before?" : "New here?",
      h(
        "button",
        {
          class: "button",
          type: "button",
          on: {
            click: () => {
              draw(isNew ? "in" : "up");
              sheet.body.querySelector("input")?.focus();
            },
          },
        },
        isNew ? "Sign in" : "Create an account",
      ),
    ),
  );
}

/**
 * Open the signed-in visitor's own page.
 * @param {Session} session
 */
export function openAccount(session) {
  const sheet = new Sheet({
    title: "Your account",
    name: "account",
    onClose: () => session.removeEventListener("change", draw),
  });
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  /** @param {() => Promise<any>} run */
  const attempt = async (run) => {
    wrong.hidden = true;
    try {
      await run();
    } catch (error) {
      wrong.textContent = sentence(error);
      wrong.hidden = false;
    }
  };
  const box = h("div", { class: "account" });
  function draw() {
    if (!session.me) {
      sheet.close();
      return;
    }
    fill(
      box,
      nameForm(session, attempt),
      section(
        "Delivery addresses",
        h(
          "div",
          { class: "rows" },
          (session.addresses ?? []).map((one) => addressRow(session, one, attempt)),
        ),
        h(
          "button",
          { class: "button button--small", type: "button", on: { click: () => editAddress(session) } },
          "Add an address",
        ),
      ),
      section(
        "Cards",
        h(
          "div",
          { class: "rows" },
          (session.cards ?? []).map((one) => cardRow(session, one, attempt)),
        ),
        h(
          "button",
          { class: "button button--small", type: "button", on: { click: () => addCard(session) } },
          "Add a card",
        ),
      ),
    );
  }
  session.addEventListener("change", draw);
  draw();
  const leave = h(
    "button",
    {
      class: "button button--wide",
      type: "button",
      on: { click: () => busy(leave, () => attempt(() => session.signOut())) },
    },
    "Sign out",
  );
  sheet.show(wrong, box).footer(leave).open();
  void attempt(() => session.load({ again: true }));
}

/** @param {string} title @param {...any} children */
function section(title, ...children) {
  return h("section", { class: "account__part" }, h("h3", { class: "account__title" }, title), ...children);
}

/** @param {Session} session @param {(run: () => Promise<any>) => Promise<void>} attempt */
function nameForm(session, attempt) {
  const name = field({
    name: "name",
    label: "Your name",
    value: session.me?.name ?? "",
    maxlength: 80,
    required: true,
    autocomplete: "name",
  });
  const button = h("button", { class: "button button--small", type: "submit" }, "Save");
  return h(
    "form",
    {
      class: "account__name",
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void busy(button, () => attempt(() => session.rename(name.value)));
        },
      },
    },
    h("p", { class: "note" }, `Signed in as ${session.me?.email}`),
    h("div", { class: "account__pair" }, name.element, button),
    session.me?.is_host &&
      h("p", { class: "account__studio" }, h("a", { class: "button", href: "/studio/" }, "Open your studio")),
  );
}

/**
 * @param {Session} session
 * @param {import("./session.js").Address} address
 * @param {(run: () => Promise<any>) => Promise<void>} attempt
 */
function addressRow(session, address, attempt) {
  return h(
    "div",
    { class: "row" },
    h(
      "div",
      { class: "row__main" },
      h(
        "p",
        { class: "row__title" },
        address.name,
        " ",
        address.is_default && h("span", { class: "tag" }, "Default"),
      ),
      h("p", { class: "row__text" }, lineOf(address)),
    ),
    h(
      "button",
      { class: "link", type: "button", on: { click: () => editAddress(session, address) } },
      "Change",
    ),
    h(
      "button",
      {
        class: "link",
        type: "button",
        "aria-label": `Remove the address ${address.line1}`,
        on: { click: () => attempt(() => session.removeAddress(address.id)) },
      },
      "Remove",
    ),
  );
}
