/** The address sheet. */

import { h } from "./dom.js";
import { busy, field, Sheet, showWrong } from "./sheet.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./session.js").Address} Address */

const names = new Intl.DisplayNames([document.documentElement.lang || "en-GB"], { type: "region" });

/** ISO codes the shop ships to, as the page's data names them. */
function countries() {
  const data = document.getElementById("countries")?.textContent;
  /** @type {string[]} */
  const codes = data ? JSON.parse(data) : [];
  return codes
    .map((code) => /** @type {[string, string]} */ ([code, names.of(code) ?? code]))
    .sort((a, b) => a[1].localeCompare(b[1]));
}

/** Where the browser's language suggests the visitor lives. */
function likelyCountry() {
  return new Intl.Locale(navigator.language).maximize().region ?? "DE";
}

/**
 * An address on one line.
 * @param {Address} address
 */
export function lineOf(address) {
  const town = [address.postal_code, address.city].filter(Boolean).join(" ");
  return [address.line1, address.line2, town, names.of(address.country)].filter(Boolean).join(", ");
}

/**
 * Let the visitor write an address, or change one.
 * @param {Session} session
 * @param {Address} [address]
 * @returns {Promise<boolean>} Whether it was saved.
 */
export function editAddress(session, address) {
  return new Promise((done) => {
    let saved = false;
    const sheet = new Sheet({
      title: address ? "Change address" : "Where should it go?",
      name: "address",
      onClose: () => done(saved),
    });
    const value = (/** @type {keyof Address} */ name) => address?.[name] ?? "";
    const fields = {
      name: field({
        name: "name",
        label: "Name on the parcel",
        autocomplete: "shipping name",
        value: address?.name ?? session.me?.name ?? "",
        maxlength: 120,
        required: true,
      }),
      line1: field({
        name: "line1",
        label: "Street and number",
        autocomplete: "shipping address-line1",
        value: value("line1"),
        maxlength: 200,
        required: true,
      }),
      line2: field({
        name: "line2",
        label: "Flat, floor (optional)",
        autocomplete: "shipping address-line2",
        value: value("line2"),
        maxlength: 200,
      }),
      postal_code: field({
        name: "postal_code",
        label: "Postcode",
        autocomplete: "shipping postal-code",
        value: value("postal_code"),
        maxlength: 20,
      }),
      city: field({
        name: "city",
        label: "Town",
        autocomplete: "shipping address-level2",
        value: value("city"),
        maxlength: 120,
        required: true,
      }),
      country: field({
        name: "country",
        label: "Country",
        autocomplete: "shipping country",
        options: countries(),
        value: address?.country ?? likelyCountry(),
      }),
    };
    const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
    const button = h("button", { class: "button button--main button--wide", type: "submit" }, "Save address");
    const submit = async () => {
      wrong.hidden = true;
      for (const one of Object.values(fields)) one.complain();
      const body = Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, one.value]));
      try {
        await session.saveAddress({ ...body, id: address?.id, is_default: address?.is_default ?? true });
        saved = true;
        sheet.close();
      } catch (error) {
        showWrong(error, fields, wrong);
      }
    };
    const { postal_code: postcode, city, ...rest } = fields;
    sheet.show(
      h(
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
        rest.name.element,
        rest.line1.element,
        rest.line2.element,
        h("div", { class: "form__pair" }, postcode.element, city.element),
        rest.country.element,
        button,
      ),
    );
    sheet.open();
    fields.line1.input.focus();
  });
}
