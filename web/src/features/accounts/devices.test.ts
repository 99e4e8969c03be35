import { describe, expect, it } from "vitest";
import { describeDevice, describeMethod } from "./devices";

const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0";

describe("devices", () => {
  it.each([
    [`Mozilla/5.0 (X11; Linux x86_64) ${CHROME} Safari/537.36`, "Chrome 141 on Linux"],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Safari/537.36 Edg/141.0.1`, "Edge 141 on Windows"],
    [`Mozilla/5.0 (Linux; Android 16) ${CHROME} Mobile Safari/537.36`, "Chrome 141 on Android"],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox 144 on macOS"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1 (KHTML) Version/26.0 Mobile/15E148 Safari/604.1",
      "Safari 26 on iPhone",
    ],
    ["curl/8.5.0", "curl 8.5.0"],
    ["my-script", "my-script"],
    ["", "unknown device"],
    ["x".repeat(200), `${"x".repeat(59)}…`],
  ])("reads %s", (agent, words) => expect(describeDevice(agent)).toBe(words));

  it("names how someone signed in", () => {
    expect(describeMethod("password")).toBe("password");
    expect(describeMethod("oidc:corp")).toBe("corp");
  });
});
