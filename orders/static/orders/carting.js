/**
 * Changing the cart: over the socket where there is one for a signed-in shopper, over HTTP for everybody else. A
 * guest's cart is kept by the shop under a cookie that no script can read, and comes in with her when she signs in.
 */

import { call } from "../commerce/api.js";
import { everyTick } from "../streams/clock.js";

/**
 * @typedef {import("./checkout.js").Shop} Shop
 * @typedef {import("../commerce/money.js").Money} Money
 * @typedef {{variant: string, product: string, merchant: {id: string, name: string}, title: string,
 *   image: string | null, quantity: number, price: Money, offer: string | null, left: number, release_at: number | null,
 *   opens_at: number | null, held: number,
 *   held_until: number | null, hold_seconds: number | null}} CartLine
 * @typedef {"cart.add" | "cart.update" | "cart.remove"} Command
 */

const ONLINE_MS = 5000;
const GUEST = "yellowcart:guest"; // Says that this browser has a guest's cart, so that pages of others ask for none.

/** How many pieces are in the cart. @param {import("../streams/show.js").Show} show */
export function pieces(show) {
  return (show.cart?.lines ?? []).reduce(
    (/** @type {number} */ all, /** @type {CartLine} */ one) => all + one.quantity,
    0,
  );
}

/**
 * Change the cart; a change elsewhere in between brings the cart as it is now.
 * @param {Shop} shop
 * @param {Command} command
 * @param {{variant: string, quantity?: number}} d
 */
export async function change(shop, command, d) {
  const { room, show, session } = shop;
  if (session.me) await online(room);
  try {
    const version = show.cart?.version ?? 0;
    const body = command === "cart.add" ? d : { ...d, version };
    const cart =
      session.me && room.online ? await room.command(command, body) : await ask(shop, command, d, version);
    show.keepCart(cart);
    if (!session.me) localStorage.setItem(GUEST, String(cart.version));
  } catch (/** @type {any} */ error) {
    if (error.code === "CART_CONFLICT" && error.data?.cart) show.keepCart(error.data.cart);
    throw error;
  }
}

/**
 * @param {Shop} shop
 * @param {Command} command
 * @param {{variant: string, quantity?: number}} d
 * @param {number} version
 */
function ask({ show }, command, { variant, quantity }, version) {
  const stream = show.stream?.slug ?? null;
  if (command === "cart.add")
    return call("cart/lines", { method: "POST", body: { variant, quantity, stream } });
  const line = `cart/lines/${variant}`;
  if (command === "cart.update")
    return call(line, { method: "PATCH", body: { version, quantity, stream } });
  const query = new URLSearchParams({ version: String(version), ...(stream && { stream }) });
  return call(`${line}?${query}`, { method: "DELETE" });
}

/**
 * Wait a little for the connection, which is made anew after signing in.
 * @param {Shop["room"]} room
 * @returns {Promise<void>}
 */
export function online(room) {
  if (room.online) return Promise.resolve();
  return new Promise((done) => {
    const end = () => {
      clearTimeout(late);
      stop();
      done();
    };
    const late = setTimeout(end, ONLINE_MS);
    const stop = room.on("welcome", end);
  });
}

/**
 * @param {Shop} shop
 * @param {string} variant
 * @param {number} quantity
 */
export function addToCart(shop, variant, quantity) {
  return change(shop, "cart.add", { variant, quantity });
}

/**
 * Read the cart over HTTP, as where no socket brings it.
 * @param {Shop} shop
 */
export async function readCart({ show, session }) {
  if (!session.me && !localStorage.getItem(GUEST)) return;
  const who = session.me;
  const stream = show.stream ? `?stream=${encodeURIComponent(show.stream.slug)}` : "";
  const cart = await call(`cart${stream}`);
  if (who === session.me) show.keepCart(cart);
}

/**
 * Keep the cart as it is on every page and device, and say what happens to what is held.
 * @param {Shop} shop
 * @param {{toaster: import("../commerce/toast.js").Toaster, open: () => void}} parts
 */
export function tendCart(shop, { toaster, open }) {
  const { show, session, room, now } = shop;
  const quiet = () => undefined;
  const action = { label: "View cart", run: open };
  if (!session.me) readCart(shop).catch(quiet);
  addEventListener("storage", (event) => {
    if (event.key === GUEST && !session.me) readCart(shop).catch(quiet);
  });
  session.addEventListener("entered", () => {
    if (!localStorage.getItem(GUEST)) return;
    // Signing in has merged it; where that failed, this does.
    call("cart/merge", { method: "POST" })
      .then((cart) => {
        localStorage.removeItem(GUEST);
        show.keepCart(cart);
      })
      .catch(quiet);
  });

  room.on("cart.hold_expiring", (/** @type {{lines: {variant: string}[]}} */ d) => {
    const ending = d.lines.map((one) => titleOf(show, one.variant)).filter(Boolean);
    if (ending.length)
      toaster.show({
        tone: "wait",
        icon: "clock",
        title: "Held 1 more minute:",
        text: ending.join(", "),
        action,
      });
  });
  /** @type {Map<string, number>} variant to the end of what is held */
  const ends = new Map();
  show.watch(["cart"], () => {
    for (const line of /** @type {CartLine[]} */ (show.cart?.lines ?? []))
      if (line.held_until && line.held_until > now()) ends.set(line.variant, line.held_until);
  });
  everyTick(() => {
    for (const [variant, end] of ends) {
      const line = /** @type {CartLine | undefined} */ (
        show.cart?.lines.find((/** @type {CartLine} */ one) => one.variant === variant)
      );
      if (line && end > now()) continue;
      ends.delete(variant);
      if (!line) continue;
      toaster.show({
        tone: "bad",
        icon: "clock",
        title: "No longer held:",
        text: line.title,
        action,
      });
    }
  });
}

/** @param {import("../streams/show.js").Show} show @param {string} variant @returns {string} */
function titleOf(show, variant) {
  return show.cart?.lines.find((/** @type {CartLine} */ one) => one.variant === variant)?.title ?? "";
}
