/** Following the host. */

import { h, say } from "../commerce/dom.js";
import { busy } from "../commerce/sheet.js";

/**
 * @typedef {{show: import("./show.js").Show, room: import("./room.js").Room,
 *   signIn: (why: string) => Promise<boolean>, wrong: (error: any) => void}} Parts
 */

/**
 * Follow the host, or follow no longer; who is not signed in is asked to.
 * @param {boolean} follow
 * @param {Parts} parts
 */
export async function setFollow(follow, { show, room, signIn, wrong }) {
  if (!(await signIn("Sign in to follow."))) return;
  try {
    const answer = await room.command(follow ? "host.follow" : "host.unfollow");
    show.followed(answer.follows);
  } catch (error) {
    wrong(error);
  }
}

/** @param {Parts} parts */
export function makeFollow(parts) {
  const { show } = parts;
  const button = h("button", { class: "who__follow", type: "button" });
  button.addEventListener("click", () => busy(button, () => setFollow(!show.own.follows, parts)));
  show.watch(["own", "stream"], () => {
    const { own } = show;
    button.hidden = own.who?.role === "host";
    say(button, own.follows ? "Following" : "Follow");
    button.setAttribute("aria-pressed", String(own.follows));
    button.setAttribute("aria-label", `${own.follows ? "Unfollow" : "Follow"} ${show.stream?.host.name ?? "the host"}`);
  });
  return button;
}
