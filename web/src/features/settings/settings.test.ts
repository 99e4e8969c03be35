import { describe, expect, it } from "vitest";
import type { ConfiguredSetting, RuntimeSettings } from "../../api/types";
import { sections, showValue } from "./configuration";
import { changesOf, configuredValue, draftOf } from "./runtime";

const SETTINGS: RuntimeSettings = {
  rate_limit_requests_per_minute: 600,
  max_running_benchmarks: 3,
  default_visibility: "private",
  retention_days: 0,
  version: 2,
  changed: ["max_running_benchmarks"],
  updated_at: null,
  updated_by: null,
};

const setting = (key: string, source = "default", runtime_name: string | null = null): ConfiguredSetting => ({
  key,
  variable: `LTB_${key.replace(/\./g, "__").toUpperCase()}`,
  value: 1,
  default: 1,
  source,
  description: `What ${key} does.`,
  allowed: "",
  runtime_name,
});

describe("run-time settings", () => {
  it("send only what was changed", () => {
    expect(changesOf(draftOf(SETTINGS), SETTINGS)).toBeNull();
    expect(changesOf({ ...draftOf(SETTINGS), retention_days: " 30 ", default_visibility: "all" }, SETTINGS)).toEqual({
      retention_days: 30,
      default_visibility: "all",
    });
  });

  it("go back to the configuration only where they differ from it", () => {
    const back = { ...draftOf(SETTINGS), max_running_benchmarks: null, retention_days: null };
    expect(changesOf(back, SETTINGS)).toEqual({ max_running_benchmarks: null });
  });

  it("leave it to the service to judge what is no number", () => {
    expect(changesOf({ ...draftOf(SETTINGS), retention_days: "soon" }, SETTINGS)).toEqual({ retention_days: "soon" });
    expect(changesOf({ ...draftOf(SETTINGS), retention_days: "-1" }, SETTINGS)).toEqual({ retention_days: -1 });
    expect(changesOf({ ...draftOf(SETTINGS), retention_days: "" }, SETTINGS)).toEqual({ retention_days: "" });
  });
});

describe("the configuration", () => {
  const all = [
    setting("server.host"),
    setting("server.websocket.queue_size", "config.toml"),
    setting("storage.retention_days", "default", "retention_days"),
  ];

  it("is searched by words, and by what is set", () => {
    expect(sections(all, "", true).map(({ section }) => section)).toEqual(["server", "server.websocket", "storage"]);
    expect(sections(all, "", false).map(({ section }) => section)).toEqual(["server.websocket"]);
    expect(sections(all, "HOST what", false).map(({ section }) => section)).toEqual(["server"]);
    expect(sections(all, "absent", true)).toEqual([]);
  });

  it("knows what a run-time setting is without its change", () => {
    expect(configuredValue(all, "retention_days")?.key).toBe("storage.retention_days");
    expect(configuredValue(null, "retention_days")).toBeUndefined();
  });

  it("shows values as they would be written", () => {
    expect([null, "", [], ["a"], true, 5, "x"].map(showValue)).toEqual([
      "not set",
      '""',
      "none",
      '["a"]',
      "true",
      "5",
      "x",
    ]);
  });
});
