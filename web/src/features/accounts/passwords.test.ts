import { expect, it } from "vitest";
import { passwordHint } from "./passwords";

it("says the rule, and how far it is to it", () => {
  expect(passwordHint(10, 1024, "")).toBe("10 to 1,024 characters");
  expect(passwordHint(10, 1024, "abc")).toBe("10 to 1,024 characters: 7 more");
  expect(passwordHint(10, 1024, "🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑")).toBe("10 to 1,024 characters");
  expect(passwordHint(1, 3, "abcde")).toBe("1 to 3 characters: 2 too many");
});
