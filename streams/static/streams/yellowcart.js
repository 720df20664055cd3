/** The little yellow cart: the show's products, and beside them what the shopper has collected. */

import { h, say } from "../commerce/dom.js";
import { Sheet } from "../commerce/sheet.js";
import { drawShowcase } from "./showcase.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {(place: HTMLElement, foot: HTMLElement) => () => void} Draw
 */

/**
 * @param {HTMLButtonElement} button
 * @param {{show: Show, now: () => number, pieces: () => number, openProduct: (item: import("./show.js").Item) => void,
 *   drawCart: (place: HTMLElement, foot: HTMLElement, close: () => void) => () => void}} parts
 * @returns {{open: (tab: "products" | "cart") => void}}
 */
export function drawYellowCart(button, { show, now, pieces, openProduct, drawCart }) {
  const count = /** @type {HTMLElement} */ (button.querySelector(".cart-button__count"));
  const wide = matchMedia("(width >= 980px)");
  let before = 0;
  const refresh = () => {
    const collected = pieces();
    say(count, collected > 99 ? "99+" : String(collected));
    count.hidden = collected === 0;
    button.setAttribute(
      "aria-label",
      `Yellow cart: ${show.items.length} products in the show, ${collected} in your cart`,
    );
    if (collected > before) {
      button.classList.remove("is-bumped");
      requestAnimationFrame(() => button.classList.add("is-bumped"));
    }
    before = collected;
  };
  show.watch(["items", "cart"], refresh);

  /** @param {"products" | "cart"} first */
  function open(first) {
    let stop = () => {};
    const sheet = new Sheet({
      title: "Yellow cart",
      name: "yellowcart",
      onClose: () => {
        stop();
        unwatch();
      },
    });
    const place = h("div", { class: "yellowcart", role: "tabpanel", tabindex: "-1" });
    const tabs = {
      products: tab("products", () => turnTo("products")),
      cart: tab("cart", () => turnTo("cart")),
    };
    const strip = h(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "Products and cart" },
      tabs.products,
      tabs.cart,
    );
    strip.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = document.activeElement === tabs.products ? "cart" : "products";
      turnTo(other);
      tabs[other].focus();
    });
    sheet.body.before(strip);
    const unwatch = show.watch(["items", "cart"], () => {
      say(tabs.products, `Products (${show.items.length})`);
      say(tabs.cart, `Your cart (${pieces()})`);
    });

    /** @param {"products" | "cart"} which */
    function turnTo(which) {
      stop();
      for (const [name, one] of Object.entries(tabs)) {
        one.setAttribute("aria-selected", String(name === which));
        one.tabIndex = name === which ? 0 : -1;
      }
      place.setAttribute("aria-label", which === "cart" ? "Your cart" : "Products in this show");
      sheet.footer();
      stop =
        which === "cart"
          ? drawCart(place, sheet.foot, () => sheet.close())
          : drawShowcase(place, {
              show,
              now,
              openProduct: (item) => {
                sheet.close();
                openProduct(item);
              },
            });
    }
    sheet.show(place);
    turnTo(first);
    sheet.open();
  }
  button.addEventListener("click", () =>
    open(wide.matches || (!show.items.length && pieces()) ? "cart" : "products"),
  );
  return { open };
}

/** @param {string} name @param {() => void} press */
function tab(name, press) {
  return h("button", {
    class: "tabs__tab",
    type: "button",
    role: "tab",
    data: { tab: name },
    on: { click: press },
  });
}
