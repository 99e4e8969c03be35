// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { TraceId } from "./TraceId";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";

/** Presses the button, and lets what follows from it happen. */
async function press() {
  await act(async () => {
    document.querySelector("button")?.click();
    await new Promise((done) => setTimeout(done));
  });
}

afterEach(() => {
  render(null, document.body);
  vi.unstubAllGlobals();
});

test("it is copied, and says so", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  render(<TraceId what="trace id" id={ID} />, document.body);
  expect(document.querySelector("a")).toBeNull();
  await press();
  expect(writeText).toHaveBeenCalledWith(ID);
  expect(document.querySelector("button")?.textContent).toBe("Copied");
});

test("it leads to where traces are shown, in a page of its own", () => {
  render(<TraceId what="trace id" id={ID} url={`https://traces.example/${ID}`} />, document.body);
  const link = document.querySelector("a");
  expect(link?.href).toBe(`https://traces.example/${ID}`);
  expect(link?.rel).toContain("noopener");
});

test("a browser without a clipboard copies what is marked, and keeps the focus", async () => {
  vi.stubGlobal("navigator", {});
  const copied: unknown[] = [];
  document.execCommand = () => copied.push(document.querySelector("textarea")?.value) > 0;
  render(<TraceId what="trace id" id={ID} />, document.body);
  document.querySelector("button")?.focus();
  await press();
  expect(copied).toEqual([ID]);
  expect(document.querySelector("textarea")).toBeNull();
  expect(document.activeElement).toBe(document.querySelector("button"));
  expect(document.querySelector("button")?.textContent).toBe("Copied");
});

test("a browser that refuses has the text marked, to copy by keyboard", async () => {
  vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.reject(new Error("no")) } });
  document.execCommand = () => false;
  render(<TraceId what="trace id" id={ID} />, document.body);
  await press();
  expect(getSelection()?.toString()).toBe(ID);
  expect(document.querySelector("[role=status]")?.textContent).toContain("Ctrl+C");
  expect(document.querySelector("button")?.textContent).toBe("Copy");
});

test("another text is not copied yet", async () => {
  vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.resolve() } });
  render(<TraceId what="trace id" id={ID} />, document.body);
  await press();
  await act(async () => render(<TraceId what="trace id" id="another" />, document.body));
  expect(document.querySelector("button")?.textContent).toBe("Copy");
});
