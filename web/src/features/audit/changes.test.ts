import { expect, it } from "vitest";
import { readableChanges } from "./changes";

it("lays states before and after side by side", () => {
  expect(
    readableChanges({
      username: "ada",
      before: { role: "user", options: { verify_tls: true } },
      after: { role: "viewer", options: { verify_tls: false }, sign_ins_ended: 2 },
    }),
  ).toEqual({
    rows: [
      { name: "role", before: "user", after: "viewer" },
      { name: "options.verify_tls", before: "true", after: "false" },
      { name: "sign_ins_ended", before: undefined, after: "2" },
    ],
    facts: [{ name: "username", value: "ada" }],
  });
});

it("tells facts as facts, and no value as nothing", () => {
  expect(readableChanges({ reason: null, filters: { actor: "ada" }, list: [1, 2] })).toEqual({
    rows: [],
    facts: [
      { name: "reason", value: "nothing" },
      { name: "filters.actor", value: "ada" },
      { name: "list", value: "[ 1, 2 ]" },
    ],
  });
  expect(readableChanges({})).toEqual({ rows: [], facts: [] });
  expect(readableChanges({ before: "text" }).facts).toEqual([{ name: "before", value: "text" }]);
});
