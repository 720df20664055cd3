/** The shopper's page of a show: puts the parts together and joins them to the room. */

import { enter, openAccount } from "../commerce/account.js";
import { call } from "../commerce/api.js";
import { say } from "../commerce/dom.js";
import { sentence } from "../commerce/sentences.js";
import { Session } from "../commerce/session.js";
import { Toaster } from "../commerce/toast.js";
import { Attempts } from "../orders/attempts.js";
import { askBank } from "../orders/bank.js";
import { drawCart } from "../orders/cart.js";
import { addToCart, online, pieces, tendCart } from "../orders/carting.js";
import { openCheckout } from "../orders/checkout.js";
import { drawDrop } from "../orders/drop.js";
import { Lining } from "../orders/lining.js";
import { announcePurchases, openOrders, readPurchases } from "../orders/orders.js";
import { askAgain } from "../orders/panel.js";
import { isOpen } from "../orders/status.js";
import { drawChat } from "./chat.js";
import { drawCompose } from "./compose.js";
import { drawCoupons, worth } from "./coupons.js";
import { makeFollow, setFollow } from "./follow.js";
import { drawHearts } from "./hearts.js";
import { openAppeal, openLineMenu } from "./linemenu.js";
import { Order } from "./order.js";
import { drawPinned } from "./pinned.js";
import { openProduct } from "./product.js";
import { Room } from "./room.js";
import { Show } from "./show.js";
import { drawShowcase } from "./showcase.js";
import { drawBanner, drawCurtain, drawMedia, drawWho } from "./stage.js";
import { drawYellowCart } from "./yellowcart.js";

/** @param {string} id @returns {any} */
const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const button = (id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));

const page = read("page");
const show = new Show();
show.snapshot(page.snapshot);
const session = new Session(page.me);
const room = new Room(page.socket, {
  // Where sockets live on another host the cookie does not reach them; a ticket also renews the connection.
  cookie: new URL(page.socket).hostname === location.hostname,
  ticket: async () =>
    session.me ? (await call(`live/${page.slug}/ticket`, { method: "POST" })).ticket : null,
  resume: { s: page.position, u: page.snapshot.u },
});
const now = () => room.now();
const attempts = new Attempts(room);
const lining = new Lining();
lining.snapshot(page.snapshot);
/** @type {import("../orders/checkout.js").Shop} */
const shop = { show, session, room, attempts, now };

const toaster = new Toaster(place("toast"));

/** @param {string} why */
const signIn = (why) => enter(session, { why });
/** @param {import("../orders/wanted.js").Wanted[]} wanted */
const checkOut = (wanted) => openCheckout(wanted, shop);
/** @param {string} text */
const announce = (text) => say(place("announcer"), text);

/** @param {import("./show.js").Item} item */
function look(item) {
  openProduct(item, {
    show,
    now,
    buy: (variant, quantity) => checkOut([{ variant: variant.id, quantity }]),
    stands: (variant) => [...lining.places.values()].some((one) => one.variant === variant.id),
    lineUp: (variant, offer) => join({ variant: variant.id, offer }),
    async addToCart(variant, quantity) {
      try {
        await addToCart(shop, variant.id, quantity);
        toaster.show({
          tone: "good",
          icon: "check",
          title: "In your cart:",
          text: item.product.title,
          action: { label: "View cart", run: () => yellowCart.open("cart") },
        });
        return true;
      } catch (error) {
        alertLine(sentence(error));
        return false;
      }
    },
  });
}

/** One press on the pinned card: straight to the purchase when there is nothing to choose. @param {import("./show.js").Item} item */
function buyItem(item) {
  if (item.variants.length === 1) checkOut([{ variant: item.variants[0].id, quantity: 1 }]);
  else look(item);
}

/** @param {string} text */
function alertLine(text) {
  const line = place("alert");
  line.textContent = text;
  line.hidden = false;
  setTimeout(() => {
    line.hidden = true;
  }, 5000);
}

show.watch(["stream"], () => {
  document.body.dataset.status = show.stream?.status ?? "";
});
drawMedia(place("media"), show);
const following = { show, room, signIn, wrong: (/** @type {any} */ error) => alertLine(sentence(error)) };
drawWho(place("who"), show, makeFollow(following));
const yellowCart = drawYellowCart(button("cart"), {
  show,
  now,
  pieces: () => pieces(show),
  openProduct: look,
  drawCart: (box, foot, close) =>
    drawCart(box, foot, shop, (wanted) => {
      close();
      checkOut(wanted);
    }),
});
tendCart(shop, { toaster, open: () => yellowCart.open("cart") });
drawCurtain(place("curtain"), show, { now, openShowcase: () => yellowCart.open("products") });
drawBanner(place("banner"), room, show);
const order = new Order(page.snapshot.stream.id);
/** @param {string} text */
const told = (text) => toaster.show({ tone: "good", icon: "check", title: text });
/** @param {() => Promise<any>} run */
const attempt = (run) => run().catch((error) => alertLine(sentence(error)));
/** @param {{decision: string, text?: string}} what */
const appeal = (what) =>
  openAppeal(what, {
    sentence,
    told,
    async send(decision, text) {
      // Who is banned has no socket.
      const { outcome } = room.online
        ? await room.command("chat.appeal", { decision, text })
        : { outcome: (await call("moderation/appeals", { method: "POST", body: { decision, text } })).appeal };
      show.appealed(decision, outcome);
      return { outcome };
    },
  });
drawChat(place("chat"), {
  show,
  appeal,
  unpin: () => attempt(() => order.unpin()),
  press: (line) =>
    openLineMenu(line, {
      show,
      order,
      sentence,
      told,
      async report(line, category, note) {
        if (!(await signIn("Sign in to report."))) throw Object.assign(new Error(), { code: "UNAUTHENTICATED" });
        await room.command("chat.report", { message: line.id, category, note });
      },
    }),
});
drawCompose(/** @type {HTMLFormElement} */ (place("compose")), {
  show,
  room,
  now,
  session,
  signIn,
  follow: () => setFollow(true, following),
  appeal,
});
drawPinned(place("pinned"), { show, now, openProduct: look, buy: buyItem, announce });
drawCoupons(place("coupons"), {
  show,
  now,
  claim: (coupon) =>
    attempt(async () => {
      if (!(await signIn("Sign in to claim the coupon."))) return;
      // Who has no socket just now claims over HTTP; it is the same claim.
      const claim = room.online
        ? await room.command("coupon.claim", { coupon: coupon.id })
        : await call(`live/${page.slug}/coupons/${coupon.id}/claim`, { method: "POST" });
      show.keepClaim(claim);
      told(`Yours: ${worth(coupon)} at ${coupon.merchant.name}.`);
    }),
});
const inLine = async (/** @type {string} */ command, /** @type {any} */ d) => {
  if (!(await signIn("Sign in to line up."))) return null;
  return online(room).then(() => room.command(command, d));
};
/** @param {{variant: string, offer: string | null}} d */
function join(d) {
  return attempt(async () => keepPlace(await inLine("waitlist.join", d)));
}
drawDrop(place("drops"), {
  lining,
  show,
  now,
  buy: checkOut,
  announce,
  join,
  leave: (d) => attempt(async () => keepPlace(await inLine("waitlist.leave", d))),
  enter: (offer) =>
    attempt(async () => {
      const at = await inLine("waitingroom.enter", { offer });
      if (at) lining.keepRoom(at);
    }),
  async renew(offer) {
    try {
      lining.keepRoom(await online(room).then(() => room.command("waitingroom.enter", { offer })));
    } catch (/** @type {any} */ error) {
      if (!error.temporary) lining.leaveRoom(offer);
    }
  },
  quit: (offer) =>
    attempt(async () => {
      await inLine("waitingroom.leave", { offer });
      lining.leaveRoom(offer);
    }),
});
/** @param {any} at */
function keepPlace(at) {
  if (at) lining.keep(at);
}
drawHearts(button("heart"), place("sky"), { show, room });
drawShowcase(place("side"), { show, now, openProduct: look });
announcePurchases(toaster, shop);

button("account").addEventListener("click", () => (session.me ? openAccount(session) : enter(session)));
button("orders").addEventListener("click", async () => {
  if (await signIn("Sign in to see your orders.")) openOrders(shop);
});
session.addEventListener("change", () => {
  say(place("account-name"), session.me ? session.me.name : "Sign in");
  button("account").setAttribute("aria-label", session.me ? `Your account: ${session.me.name}` : "Sign in");
});
session.changed();
show.watch(["purchases"], () => {
  place("orders-dot").hidden = ![...show.purchases.values()].some(isOpen);
});

// Another person: her cart and orders, and a connection in her name.
session.addEventListener("entered", () => {
  show.forgetBuyer();
  lining.forget();
  room.reconnect();
});
session.addEventListener("left", () => {
  show.forgetBuyer();
  attempts.forget();
  lining.forget();
  room.reconnect();
});

room.on("connection", ({ online }) => {
  document.body.dataset.online = online ? "yes" : "no";
});
room.on("snapshot", (d) => show.snapshot(d));
room.on("snapshot", (d) => lining.snapshot(d));
room.on("*", (d, frame) => lining.apply(frame.t, d));
room.on("*", (d, frame) => show.apply(frame.t, d));
room.on("payment.action_required", (action) => {
  askBank(action, {
    settled: (run) =>
      show.watch(["purchases"], () => {
        const purchase = show.purchases.get(action.purchase);
        if (purchase && purchase.status !== "action_required" && purchase.status !== "accepted") run();
      }),
  }).catch((error) => alertLine(sentence(error)));
});

let recalled = false;
room.on("welcome", async () => {
  if (!session.me || recalled) return;
  recalled = true;
  try {
    const had = attempts.open !== null;
    const purchase = await attempts.recall();
    if (purchase) show.keepPurchase(purchase);
    else if (had) alertLine("Your last purchase did not go through. You were not charged.");
    await readPurchases(shop);
    for (const one of show.purchases.values())
      if (one.status === "action_required") await askAgain(one.id, shop);
  } catch {
    recalled = false;
  }
});

room.start();
