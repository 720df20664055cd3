/** The choice of a variant, by its options. */

import { fill, h } from "../commerce/dom.js";
import { priceOf } from "./prices.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./show.js").Item} Item
 * @typedef {import("./show.js").Variant} Variant
 */

/**
 * One group of radio buttons per option, or one of the variants when options do not tell them apart.
 * @param {HTMLElement} place
 * @param {Item} item
 * @param {string} chosen
 * @param {Show} show
 * @param {number} now
 * @param {(id: string) => void} choose
 */
export function drawChoices(place, item, chosen, show, now, choose) {
  if (item.variants.length < 2) {
    fill(place);
    return;
  }
  const picked = item.variants.find((one) => one.id === chosen) ?? item.variants[0];
  const names = optionNames(item);
  const key = JSON.stringify([chosen, item.variants.map((one) => priceOf(show, item, one, now).left > 0)]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  const focused = place.contains(document.activeElement)
    ? /** @type {HTMLElement} */ (document.activeElement).id
    : "";
  fill(
    place,
    names
      ? names.map((name, at) => optionGroup(name, at, item, picked, show, now, choose))
      : group(
          "Choose",
          0,
          item.variants.map((one) => ({
            text: one.title,
            id: one.id,
            checked: one.id === chosen,
            gone: !priceOf(show, item, one, now).left,
          })),
          choose,
        ),
  );
  if (focused) document.getElementById(focused)?.focus();
}

/** The option names when they tell all variants apart, else null. @param {Item} item */
function optionNames(item) {
  const names = Object.keys(item.variants[0].options ?? {});
  const different = new Set(
    item.variants.map((one) => JSON.stringify(names.map((name) => one.options?.[name]))),
  );
  return names.length && different.size === item.variants.length ? names : null;
}

/**
 * @param {string} name @param {number} at @param {Item} item @param {Variant} picked
 * @param {Show} show @param {number} now @param {(id: string) => void} choose
 */
function optionGroup(name, at, item, picked, show, now, choose) {
  const values = [...new Set(item.variants.map((one) => one.options[name]))];
  const options = values.map((value) => {
    // The variant that differs from the chosen one in this option only, or else the first one with this value.
    const same = (/** @type {Variant} */ one) =>
      Object.keys(one.options).every(
        (other) => other === name || one.options[other] === picked.options[other],
      );
    const having = item.variants.filter((one) => one.options[name] === value);
    const target = having.find(same) ?? having[0];
    return {
      text: value,
      id: target.id,
      checked: picked.options[name] === value,
      gone: !priceOf(show, item, target, now).left,
    };
  });
  return group(name, at, options, choose);
}

/**
 * @param {string} name
 * @param {number} at
 * @param {{text: string, id: string, checked: boolean, gone: boolean}[]} options
 * @param {(id: string) => void} choose
 */
function group(name, at, options, choose) {
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", { class: "field__label" }, name),
    h(
      "div",
      { class: "choice__options" },
      options.map((option, number) => {
        const id = `choice-${at}-${number}`;
        return h(
          "span",
          { class: "choice__option" },
          h("input", {
            class: "choice__input",
            type: "radio",
            name: `choice-${at}`,
            id,
            checked: option.checked,
            on: { change: () => choose(option.id) },
          }),
          h(
            "label",
            { class: `choice__label${option.gone ? " choice__label--gone" : ""}`, for: id },
            option.text,
            option.gone && h("span", { class: "visually-hidden" }, " (sold out)"),
          ),
        );
      }),
    ),
  );
}
