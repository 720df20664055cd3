/** Buttons that copy what is shown once. */

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-copy]"))) {
  button.addEventListener("click", async () => {
    const shown = document.querySelector(button.dataset.copy ?? "");
    if (!shown) return;
    try {
      await navigator.clipboard.writeText(shown.textContent?.trim() ?? "");
      button.textContent = "Copied";
    } catch {
      // Without leave to write the clipboard, it is marked for her own copying.
      getSelection()?.selectAllChildren(shown);
      button.textContent = "Marked: copy it";
    }
  });
}
