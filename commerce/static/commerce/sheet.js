/** Sheets: native dialogs, so focus is kept inside, Esc closes, and what is behind them is out of reach. */

import { fill, h, icon } from "./dom.js";
import { sentence } from "./sentences.js";

let count = 0;

export class Sheet {
  /**
   * @param {{title: string, name?: string, onClose?: () => void}} what `name` becomes a class, sheet--name.
   */
  constructor({ title, name = "", onClose }) {
    const id = `sheet-${++count}`;
    this.onClose = onClose;
    this.title = h("h2", { class: "sheet__title", id, tabindex: "-1" }, title);
    this.tools = h("div");
    this.body = h("div", { class: "sheet__body" });
    this.foot = h("div", { class: "sheet__foot" });
    this.element = h(
      "dialog",
      { class: `sheet${name ? ` sheet--${name}` : ""}`, "aria-labelledby": id },
      h(
        "div",
        { class: "sheet__head" },
        this.title,
        this.tools,
        h(
          "button",
          { class: "sheet__close", type: "button", "aria-label": "Close", on: { click: () => this.close() } },
          icon("close"),
        ),
      ),
      this.body,
      this.foot,
    );
    this.element.addEventListener("close", () => {
      this.onClose?.();
      this.element.remove();
    });
    // A press on the backdrop hits the dialog itself, a press inside hits one of its children.
    this.element.addEventListener("pointerdown", (event) => {
      if (event.target === this.element) this.close();
    });
  }

  get isOpen() {
    return this.element.open;
  }

  /** Open it above everything; the title gets the focus, so that a phone's keyboard stays down. */
  open() {
    if (this.isOpen) return this;
    document.body.append(this.element);
    this.element.showModal();
    this.title.focus();
    return this;
  }

  close() {
    if (this.isOpen) this.element.close();
  }

  /** @param {...any} children */
  show(...children) {
    fill(this.body, ...children);
    return this;
  }

  /** @param {...any} children */
  footer(...children) {
    fill(this.foot, ...children);
    return this;
  }
}

/**
 * A labelled input.
 * @param {{name: string, label: string, hint?: string, wrong?: string, options?: [string, string][]} & Record<string, any>} props
 */
export function field({ name, label, hint, options, ...props }) {
  const id = `f-${name}-${++count}`;
  const wrong = h("p", { class: "field__wrong", id: `${id}-wrong`, hidden: true });
  const described = { "aria-describedby": `${id}-wrong` };
  const input = options
    ? h(
        "select",
        { class: "field__input", id, name, ...described, ...props },
        options.map(([value, text]) => h("option", { value, selected: value === props.value }, text)),
      )
    : h("input", { class: "field__input", id, name, ...described, ...props });
  const element = h(
    "div",
    { class: "field" },
    h("label", { class: "field__label", for: id }, label),
    input,
    hint && h("p", { class: "field__hint" }, hint),
    wrong,
  );
  return {
    element,
    input,
    get value() {
      return input.value;
    },
    /** @param {string} [text] Empty takes the complaint away. */
    complain(text = "") {
      wrong.textContent = text;
      wrong.hidden = !text;
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    },
  };
}

/**
 * Run something once at a time behind a button, which shows that it is busy.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} run
 */
export async function busy(button, run) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await run();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/**
 * Put an error's words beside the fields they are about, the rest above the form.
 * @param {any} error
 * @param {Record<string, ReturnType<typeof field>>} fields
 * @param {HTMLElement} wrong
 */
export function showWrong(error, fields, wrong) {
  let first = null;
  const complaints = { ...(error.fields ?? {}) };
  if (error.code === "WEAK_PASSWORD") complaints.password = error.message;
  for (const [name, text] of Object.entries(complaints)) {
    if (!fields[name]) continue;
    fields[name].complain(text);
    first ??= fields[name].input;
  }
  if (first) {
    first.focus();
    return;
  }
  wrong.textContent = sentence(error);
  wrong.hidden = false;
}
