/** Building elements without ever parsing markup: text stays text, whoever wrote it. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an element. `on` takes listeners, `data` data attributes; `true` sets an empty attribute, null and false none.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "class") element.className = value;
    else if (name === "value") /** @type {any} */ (element).value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter(isShown).map(nodeOf));
  return element;
}

/** @param {Child} child @returns {child is Node | string | number} */
function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {Node | string | number} child */
function nodeOf(child) {
  return child instanceof Node ? child : String(child);
}

/**
 * Put children in place of an element's own.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(isShown).map(nodeOf));
}

/**
 * Write text only when it differs, so that screen readers and selections are left alone.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Bring a list's children in line with data, keeping the elements (and their focus) of what stays.
 * @template T
 * @param {Element} list
 * @param {T[]} data
 * @param {(one: T) => string} keyOf
 * @param {(one: T) => HTMLElement} make
 * @param {(element: HTMLElement, one: T) => void} update
 */
export function keyed(list, data, keyOf, make, update) {
  const old = new Map(
    [...list.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.key, child]),
  );
  let at = list.firstElementChild;
  for (const one of data) {
    const key = keyOf(one);
    let element = /** @type {HTMLElement | undefined} */ (old.get(key));
    if (element) old.delete(key);
    else {
      element = make(one);
      element.dataset.key = key;
    }
    update(element, one);
    if (element === at) at = at.nextElementSibling;
    else list.insertBefore(element, at);
  }
  for (const gone of old.values()) gone.remove();
}

/** Outlines on a 24 by 24 grid. @type {Record<string, string[]>} */
const PATHS = {
  cart: ["M2.5 4h2.2l2.4 11.2h10.6l2.3-8.2H6", "M9 20.2h.01", "M16.5 20.2h.01"],
  bag: ["M5.5 8h13l1 12.5h-15z", "M8.8 10.5V7a3.2 3.2 0 0 1 6.4 0v3.5"],
  person: ["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M4.5 20.5c.8-4 3.9-6 7.5-6s6.7 2 7.5 6"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  back: ["M14.5 5.5L8 12l6.5 6.5"],
  heart: ["M12 20.2S3.8 15.3 3.8 9.3A4.4 4.4 0 0 1 12 7.2a4.4 4.4 0 0 1 8.2 2.1c0 6-8.2 10.9-8.2 10.9z"],
  send: ["M4 12l16-7.5-5.5 15.5-3-6.5z", "M11.5 13.5L20 4.5"],
  eye: [
    "M2.5 12s3.5-6.5 9.5-6.5 9.5 6.5 9.5 6.5-3.5 6.5-9.5 6.5S2.5 12 2.5 12z",
    "M12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z",
  ],
  check: ["M4.5 12.5l5 5 10-11"],
  card: ["M3 6h18v12.5H3z", "M3 10.2h18", "M6.5 15h3.5"],
  home: ["M4 11l8-6.5 8 6.5", "M6 9.8V20h12V9.8"],
  clock: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 7v5.3l3.4 2"],
  alert: ["M12 3.5l9.5 17h-19z", "M12 10v4.5", "M12 17.5h.01"],
  truck: ["M2.5 6h11.5v10.5H2.5z", "M14 9.5h4l3.5 3.5v3.5H14z", "M7 19.2h.01", "M17.5 19.2h.01"],
  plus: ["M12 5v14", "M5 12h14"],
  minus: ["M5 12h14"],
  down: ["M5.5 9.5L12 16l6.5-6.5"],
  bank: ["M3.5 9.5L12 4l8.5 5.5z", "M6 10v8", "M12 10v8", "M18 10v8", "M3.5 20.5h17"],
  sound: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z", "M15.5 9a4.2 4.2 0 0 1 0 6", "M18 6.5a8 8 0 0 1 0 11"],
  mute: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z", "M16 9.5l5 5", "M21 9.5l-5 5"],
  pin: ["M9 4h6l-1 6 3.5 3v2h-11v-2l3.5-3z", "M12 15v6"],
  ask: [
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
    "M9.6 9.4a2.5 2.5 0 1 1 3.7 2.2c-.9.5-1.3 1-1.3 1.9",
    "M12 16.8h.01",
  ],
};

/**
 * Make an icon, hidden from screen readers: the control around it carries the name.
 * @param {string} name
 * @param {{solid?: boolean}} [how]
 */
export function icon(name, { solid = false } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", solid ? "icon icon--solid" : "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
