/** Copies a text also where the page has no clipboard (it is not secure) or may not use it; throws when nothing helps. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByCommand(text);
  }
}

function copyByCommand(text: string): void {
  const focused = document.activeElement;
  const field = Object.assign(document.createElement("textarea"), { value: text });
  // In a dialog nothing outside of it can be marked.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  if (!isCopied) throw new Error(`The browser does not let it be copied: ${text}`);
}
