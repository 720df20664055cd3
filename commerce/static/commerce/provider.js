/** What talks to the payment provider's own pages: the simulator's frames, or Stripe's script when a real key is set. */

/** @type {Promise<any> | null} */
let stripe = null;

/**
 * Load Stripe's script, once and only when it is needed. It has to come from js.stripe.com itself.
 * @param {string} publishableKey
 * @returns {Promise<any>}
 */
export function loadStripe(publishableKey) {
  stripe ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = "https://js.stripe.com/endive/stripe.js";
    script.addEventListener("load", () => done(/** @type {any} */ (window).Stripe(publishableKey)));
    script.addEventListener("error", () => {
      stripe = null;
      script.remove();
      fail(new Error("Stripe's script cannot be loaded."));
    });
    document.head.append(script);
  });
  return stripe;
}

/**
 * Hear what a frame of the simulator has to say. Messages of any other window or origin are not listened to.
 * @param {HTMLIFrameElement} frame
 * @param {string} address The frame's address, whose origin has to be the sender's.
 * @param {(answer: {status: string}) => void} told
 * @returns {() => void} How to stop.
 */
export function listen(frame, address, told) {
  const origin = new URL(address, location.href).origin;
  /** @param {MessageEvent} event */
  const hear = (event) => {
    if (event.source !== frame.contentWindow || event.origin !== origin) return;
    if (typeof event.data?.status === "string") told(event.data);
  };
  window.addEventListener("message", hear);
  return () => window.removeEventListener("message", hear);
}
