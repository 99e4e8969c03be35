// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { TraceId } from "./TraceId";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";

afterEach(() => {
  render(null, document.body);
  vi.unstubAllGlobals();
});

test("it is copied, and says so", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  render(<TraceId what="trace id" id={ID} />, document.body);
  expect(document.querySelector("a")).toBeNull();
  await act(async () => document.querySelector("button")?.click());
  expect(writeText).toHaveBeenCalledWith(ID);
  expect(document.querySelector("button")?.textContent).toBe("Copied");
});

test("it leads to where traces are shown, in a page of its own", () => {
  render(<TraceId what="trace id" id={ID} url={`https://traces.example/${ID}`} />, document.body);
  const link = document.querySelector("a");
  expect(link?.href).toBe(`https://traces.example/${ID}`);
  expect(link?.rel).toContain("noopener");
});

test("a browser without a clipboard keeps the text", async () => {
  vi.stubGlobal("navigator", {});
  render(<TraceId what="trace id" id={ID} />, document.body);
  await act(async () => document.querySelector("button")?.click());
  expect(document.body.textContent).toContain(ID);
  expect(document.querySelector("button")?.textContent).toBe("Copy");
});
