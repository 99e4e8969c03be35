// @vitest-environment happy-dom
import { expect, it, vi } from "vitest";
import { listen, typeAhead } from "./keyboard";

const press = (key: string, more: KeyboardEventInit = {}) =>
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));

it("gives a field that is not there yet what was typed for it, and the page nothing of that", () => {
  const run = vi.fn();
  const stopListening = listen([{ key: "p", what: "Providers", run }]);
  const ahead = typeAhead();
  for (const key of ["p", "r", "x", "Backspace", "o"]) press(key);
  press("p", { ctrlKey: true });
  expect(run).not.toHaveBeenCalled();
  expect(ahead.stop()).toBe("pro");
  press("p");
  expect(run).toHaveBeenCalledOnce();
  stopListening();
});
