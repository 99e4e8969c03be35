import { describe, expect, it } from "vitest";
import { type Choice, hitOf, ranked } from "./match";
import { readRecent, withRecent } from "./recent";

const choices = (...labels: string[]): Choice[] => labels.map((label) => ({ id: label, label }));
const order = (labels: string[], typed: string, recent: string[] = []) =>
  ranked(choices(...labels), typed, recent).map(({ item }) => item.label);

describe("matching", () => {
  it("wants the letters in order, whatever their case and the spaces between", () => {
    expect(hitOf("New benchmark", "nb")?.at).toEqual([0, 4]);
    expect(hitOf("New benchmark", "NEW B")?.at).toEqual([0, 1, 2, 4]);
    expect(hitOf("New benchmark", "bn w")).toBeNull();
    expect(hitOf("Zürich", "zü")?.at).toEqual([0, 1]);
    expect(hitOf("", "a")).toBeNull();
    expect(hitOf("anything", "  ")).toEqual({ score: 0, at: [] });
  });

  it("prefers beginnings of words, letters in a row and short texts", () => {
    expect(order(["Compare", "Copy a link to this page", "Account"], "co")[0]).toBe("Compare");
    expect(order(["Subscribe", "Sign out"], "so")).toEqual(["Sign out"]);
    expect(order(["Unsigned things", "Sign out"], "sign")[0]).toBe("Sign out");
    expect(order(["Providers of models", "Providers"], "prov")[0]).toBe("Providers");
    expect(hitOf("nightly llama run", "lr")?.at).toEqual([8, 14]);
  });

  it("finds by other words too, behind what is found by its name", () => {
    const items = [{ id: "1", label: "Sign out", also: "leave" }, ...choices("Leave a note")];
    expect(ranked(items, "leave", []).map(({ item }) => item.label)).toEqual(["Leave a note", "Sign out"]);
  });

  it("puts what was used lately first when nothing is typed, and before what fits as well", () => {
    expect(order(["a", "b", "c"], "", ["c", "b"])).toEqual(["c", "b", "a"]);
    expect(order(["run one", "run two"], "run", ["run two"])[0]).toBe("run two");
    expect(order(["Compare", "zebra cxoxm"], "com", ["zebra cxoxm"])[0]).toBe("Compare");
  });

  it("is quick with long texts", () => {
    const long = "a".repeat(200);
    expect(hitOf(long, long)?.at.length).toBe(200);
  });
});

describe("recent choices", () => {
  it("reads only what it wrote, and ways within the dashboard", () => {
    const good = { id: "a", label: "A", href: "/x" };
    expect(readRecent(JSON.stringify([good, { id: 1 }, { ...good, href: "//evil" }, null]))).toEqual([good]);
    expect(readRecent("{")).toEqual([]);
    expect(readRecent(null)).toEqual([]);
  });

  it("keeps the newest first, each once, and not for ever", () => {
    const all = Array.from({ length: 20 }, (_, n) => ({ id: String(n), label: "", href: null }));
    const kept = all.reduce(
      (recent, one) => withRecent(recent, one),
      withRecent([], { id: "0", label: "old", href: null }),
    );
    expect(kept.length).toBe(12);
    expect(kept[0]?.id).toBe("19");
  });
});
