import { expect, it } from "vitest";
import { reference, refusal } from "./refusals";

it("has words for what the service says, and none of a stranger's", () => {
  expect(refusal(null)).toBeNull();
  expect(refusal("disabled")).toBe("Your account is disabled.");
  for (const code of ["", "call +1 555", "constructor", "__proto__"]) expect(refusal(code)).toBe("Please try again.");
});

it("shows ids of requests only", () => {
  expect(reference("01a1fd5c-1a22-78dd")).toBe("01a1fd5c-1a22-78dd");
  for (const text of [null, "", "call me now", "<b>", "x".repeat(65)]) expect(reference(text)).toBeNull();
});
