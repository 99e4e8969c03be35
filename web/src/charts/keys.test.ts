import { expect, test } from "vitest";
import { pointAfter, rowAfter } from "./keys";

const key = (name: string, shiftKey = false) => ({ key: name, shiftKey });
const SIZE = { left: 400, top: 200 };

test("a cursor begins in the middle, moves, and stays inside", () => {
  expect(pointAfter(key("ArrowRight"), null, SIZE)).toEqual({ left: 206, top: 100 });
  expect(pointAfter(key("ArrowUp", true), { left: 10, top: 20 }, SIZE)).toEqual({ left: 10, top: 0 });
  expect(pointAfter(key("End"), { left: 10, top: 20 }, SIZE)).toEqual({ left: 400, top: 20 });
  expect(pointAfter(key("Escape"), { left: 10, top: 20 }, SIZE)).toBeNull();
  expect(pointAfter(key("Escape"), null, SIZE)).toBeUndefined();
  expect(pointAfter(key("j"), null, SIZE)).toBeUndefined();
});

test("over time it goes from row to row of what is in sight", () => {
  expect(rowAfter(key("ArrowLeft"), null, 3, 90)).toBe(90);
  expect(rowAfter(key("ArrowRight"), null, 3, 90)).toBe(3);
  expect(rowAfter(key("ArrowLeft"), 4, 3, 90)).toBe(3);
  expect(rowAfter(key("ArrowLeft"), 3, 3, 90)).toBe(3);
  expect(rowAfter(key("ArrowRight", true), 85, 3, 90)).toBe(90);
  expect(rowAfter(key("Home"), 85, 3, 90)).toBe(3);
  expect(rowAfter(key("Escape"), 85, 3, 90)).toBeNull();
  expect(rowAfter(key("Enter"), 85, 3, 90)).toBeUndefined();
});
