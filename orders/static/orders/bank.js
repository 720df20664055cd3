/** The bank's question (3D Secure): the simulator's page in a sheet, or Stripe's own window with a real key. */

import { h } from "../commerce/dom.js";
import { listen, loadStripe } from "../commerce/provider.js";
import { Sheet } from "../commerce/sheet.js";

/**
 * @typedef {{purchase: string, client_secret: string, sheet_url: string | null, publishable_key: string | null,
 *   expires_at: number | null}} Action
 */

/** Purchase ids whose question is on the screen. @type {Set<string>} */
const asking = new Set();

/**
 * Let the buyer answer her bank. How it ended comes as order.updated, not from here.
 * @param {Action} action
 * @param {{settled: (run: () => boolean) => () => void}} parts `settled` closes the sheet once it is no longer needed.
 */
export async function askBank(action, { settled }) {
  if (asking.has(action.purchase)) return;
  asking.add(action.purchase);
  try {
    if (action.sheet_url) await inSheet(action, action.sheet_url, settled);
    else if (action.publishable_key) {
      const stripe = await loadStripe(action.publishable_key);
      await stripe.handleNextAction({ clientSecret: action.client_secret });
    }
  } finally {
    asking.delete(action.purchase);
  }
}

/**
 * @param {Action} action
 * @param {string} address
 * @param {(run: () => boolean) => () => void} settled
 * @returns {Promise<void>}
 */
function inSheet(action, address, settled) {
  return new Promise((done) => {
    const status = h("p", { class: "note", role: "status" }, "Opening your bank's page…");
    const frame = h("iframe", { class: "sheet__frame", title: "Your bank's page", src: address });
    frame.addEventListener(
      "load",
      () => {
        status.textContent = "";
      },
      { once: true },
    );
    const sheet = new Sheet({
      title: "Confirm with your bank",
      name: "bank",
      onClose: () => {
        stop();
        unwatch();
        done();
      },
    });
    const stop = listen(frame, address, (answer) => {
      status.textContent =
        answer.status === "succeeded" ? "Thank you. Taking the payment…" : "Not confirmed.";
      setTimeout(() => sheet.close(), 900);
    });
    const unwatch = settled(() => {
      sheet.close();
      return true;
    });
    sheet.show(frame, status).open();
  });
}
