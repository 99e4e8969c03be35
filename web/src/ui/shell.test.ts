import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { quote, quoteAround } from "./shell";

const read = (word: string) =>
  execFileSync("sh", ["-c", `printf %s ${word}`], { env: { API_KEY: "k'1" }, encoding: "utf8" });

describe("words for a shell", () => {
  it.each(["plain", "", 'it\'s `id` $HOME \\ "x"', "-n", "two\nlines", "ünï"])("reads %j as it is", (word) =>
    expect(read(quote(word))).toBe(word),
  );

  it("fills in variables, and nothing else", () => {
    const header = 'Authorization: Bearer $API_KEY; "a" `id` \\ costs $5';
    expect(read(quoteAround(header))).toBe(header.replace("$API_KEY", "k'1"));
    expect(quoteAround("no variable: $5")).toBe("'no variable: $5'");
  });
});
