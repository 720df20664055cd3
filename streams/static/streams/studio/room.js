/** The control room: puts the parts together and joins them to the show's room. */

import { call } from "../../commerce/api.js";
import { h, say } from "../../commerce/dom.js";
import { Lining } from "../../orders/lining.js";
import { countdown, everyTick, inWords } from "../clock.js";
import { Order } from "../order.js";
import { Room } from "../room.js";
import { Show } from "../show.js";
import { Desk } from "./desk.js";
import { drawRules } from "./blocklist.js";
import { drawCoupons } from "./coupons.js";
import { drawConnection } from "./connection.js";
import { drawGoods } from "./goods.js";
import { drawLog } from "./log.js";
import { drawOffers } from "./offers.js";
import { drawParts } from "./parts.js";
import { drawPeople } from "./people.js";
import { drawQuestions } from "./questions.js";
import { drawReview } from "./review.js";
import { drawSales } from "./sales.js";
import { drawMode, drawSay, drawTalk } from "./talk.js";
import { ask, press } from "./words.js";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const page = JSON.parse(place("page").textContent ?? "{}");
const show = new Show();
show.snapshot(page.snapshot);
const room = new Room(page.socket, {
  client: "studio/1",
  cookie: new URL(page.socket).hostname === location.hostname,
  ticket: async () => (await call(`live/${page.slug}/ticket`, { method: "POST" })).ticket,
  resume: { s: page.position, u: page.snapshot.u },
});
room.on("snapshot", (d) => show.snapshot(d));
const lining = new Lining();
room.on("*", (d, frame) => lining.apply(frame.t, d, show));
room.on("*", (d, frame) => show.apply(frame.t, d));
const desk = new Desk(page.stream, show);
const order = new Order(page.stream);
const now = () => room.now();

/** @type {Record<string, string>} */
const STATUSES = { scheduled: "Planned", live: "Live", ended: "Ended", cancelled: "Cancelled" };

const goLive = h("button", { class: "button button--main cr-go", type: "button", on: { click: askToGoLive } }, "Go live");
const end = h("button", { class: "button cr-end", type: "button", on: { click: askToEnd } }, "End show");
place("act").append(goLive, end);

async function askToGoLive() {
  const count = show.items.length;
  const yes = await ask({
    title: "Go live now?",
    text: count
      ? `Viewers see the show at once, with ${count} product${count === 1 ? "" : "s"} in its showcase.`
      : "The showcase is empty: viewers will have nothing to buy. You can add products while you are live.",
    yes: "Go live",
  });
  if (yes) void press(goLive, () => desk.goLive());
}

async function askToEnd() {
  const running = show.offers.size;
  const yes = await ask({
    title: "End the show?",
    text: `${running ? `${running} running offer${running === 1 ? " ends" : "s end"} with it. ` : ""}A show that has ended cannot be opened again. Purchases that are being paid go on.`,
    yes: "End the show",
    danger: true,
  });
  if (yes) void press(end, () => desk.end());
}

show.watch(["stream"], () => {
  const status = show.stream?.status ?? "scheduled";
  document.body.dataset.status = status;
  say(place("status"), STATUSES[status] ?? status);
  goLive.hidden = status !== "scheduled";
  end.hidden = status !== "live";
});
everyTick(() => {
  const stream = show.stream;
  if (!stream) return;
  const until = stream.starts_at - now();
  if (stream.status === "live" && stream.live_at) say(place("clock"), countdown(now() - stream.live_at));
  else if (stream.status === "scheduled") say(place("clock"), until > 60_000 ? `starts in ${inWords(until).split(", ")[0]}` : "ready to start");
  else say(place("clock"), "");
});
show.watch(["viewers"], () => say(place("viewers"), show.viewers.toLocaleString("en-GB")));

/** @type {ReturnType<typeof drawParts> | null} */
let parts = null;
parts = drawParts(
  place("parts"),
  {
    review: drawReview({ show, order, now }),
    questions: drawQuestions({ show, order, desk, now }),
    people: drawPeople({ order, now }),
    rules: drawRules({ order }),
    log: drawLog({ order, now }),
  },
  { show, room, turned: () => seen() },
);

/** @param {string} tab On a narrow screen one part is shown at a time. */
function turnTo(tab) {
  document.body.dataset.tab = tab;
  for (const one of place("tabs").querySelectorAll("button")) {
    if (one.dataset.tab === tab) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  seen();
}

/** The chat is on the screen: nothing in it is unread. */
function isSeen() {
  return document.body.dataset.tab === "chat" && (parts?.isOpen("chat") ?? true);
}
function seen() {
  if (isSeen()) place("unread").hidden = true;
}
place("tabs").addEventListener("click", (event) => {
  const tab = /** @type {HTMLElement} */ (event.target).closest("button")?.dataset.tab;
  if (tab) turnTo(tab);
});

drawConnection(place("banner"), room);
drawOffers(place("offers"), { show, desk, now });
drawGoods(place("goods"), { show, desk, now, lining });
drawCoupons(place("coupons"), { show, desk, now });
drawTalk(place("talk"), { show, order, seen: isSeen });
drawSay(/** @type {HTMLFormElement} */ (place("say")), { show, room });
drawMode(/** @type {HTMLSelectElement} */ (place("pace")), /** @type {HTMLInputElement} */ (place("followers-only")), { show, order });
drawSales(place("sales"), { show, desk, first: page.sales, now });

turnTo("goods");
room.start();
