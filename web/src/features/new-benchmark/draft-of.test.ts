// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EMPTY_DRAFT } from "./draft";
import { draftOf } from "./draft-of";
import { buildSpec } from "./spec";
import { DEFAULTS, LENGTH_DEFAULTS, withoutDefaults } from "./spec-defaults";
import { parseSpec } from "./spec-text";
import { isChanged, keep, kept } from "./useDraft";

interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  default?: unknown;
  const?: string;
  type?: string;
}

const SCHEMAS = (
  JSON.parse(readFileSync(`${import.meta.dirname}/../../../openapi.json`, "utf8")) as {
    components: { schemas: Record<string, Schema> };
  }
).components.schemas;

/** Every leaf path of the spec with its default; unions are walked into each member, list entries are `*`. */
function leaves(schema: Schema, path: string, found: Map<string, Set<unknown>>, depth = 0): Map<string, Set<unknown>> {
  const target = schema.$ref ? (SCHEMAS[schema.$ref.split("/").at(-1) ?? ""] ?? {}) : schema;
  const members = [...(target.anyOf ?? []), ...(target.oneOf ?? []), ...(target.allOf ?? [])];
  const inside = members.filter((member) => member.type !== "null");
  if (inside.length > 0 && depth < 12) for (const member of inside) leaves(member, path, found, depth + 1);
  else if (target.properties) {
    for (const [name, property] of Object.entries(target.properties)) {
      const below = path ? `${path}.${name}` : name;
      if ("default" in property) found.set(below, new Set([...(found.get(below) ?? []), property.default]));
      leaves(property, below, found, depth + 1);
    }
  } else if (target.items) leaves(target.items, `${path}.*`, found, depth + 1);
  else if (!found.has(path)) found.set(path, new Set());
  return found;
}

const LEAVES = leaves(SCHEMAS.BenchmarkSpec ?? {}, "", new Map());

/** Fields whose text holds what is below them: a list on one line, a JSON list, a file. */
const HOLDS = [
  "tags",
  "placement",
  "sampling.stop",
  "sampling.extra",
  "explore.values",
  "load.at_seconds",
  "workload.prompts",
  "workload.conversations",
  "workload.texts",
  "workload.requests",
  "workload.input_tokens.values",
  "workload.input_tokens.weights",
  "workload.output_tokens.values",
  "workload.output_tokens.weights",
];
/** Said by a choice and not by a field of their own. */
const CHOSEN: Record<string, string> = {
  "load.kind": "the choice of load",
  "workload.kind": "the choice of workload",
  "explore.kind": "the choice of levels",
  "explore.parameter": "follows from the load",
  "workload.input_tokens.kind": "the choice of length",
  "workload.output_tokens.kind": "the choice of length",
  "sampling.stream": "a check box",
  save_responses: "a check box",
  save_gaps: "a check box",
  propagate_trace: "a check box",
};
/** No field shows these; a spec that has them keeps them, and they are listed. */
const ONLY_AS_JSON: Record<string, string> = {};

const LENGTHS = ["fixed", "normal", "lognormal", "uniform", "empirical"] as const;

/** Every path that any state of the form has a field for. */
function formPaths(): Set<string> {
  const paths = new Set<string>();
  const add = (part: Partial<typeof EMPTY_DRAFT>) => {
    for (const path of buildSpec({ ...EMPTY_DRAFT, givesWindow: true, ...part }).paths) {
      paths.add(path.replaceAll(/\.\d+(?=\.|$)/g, ".*"));
    }
  };
  const { load, workload, explore } = EMPTY_DRAFT;
  for (const kind of ["closed", "closed_steps", "constant", "gamma", "ramp", "steps", "spike", "trace"] as const) {
    add({ load: { ...load, kind, arrival: "gamma" } });
  }
  for (const kind of ["sweep", "search"] as const) add({ explore: { ...explore, kind } });
  const thinking = { thinkSeconds: "1", imageCount: "1", audioSeconds: "1" };
  for (const kind of ["prompt", "list", "shared_prefix", "conversation", "conversation_list", "trace"] as const) {
    add({ workload: { ...workload, ...thinking, kind } });
  }
  for (const length of LENGTHS) {
    const tokens = { ...workload.inputTokens, kind: length, weights: "1" };
    add({ workload: { ...workload, ...thinking, kind: "synthetic", inputTokens: tokens, outputTokens: tokens } });
  }
  for (const embedsTexts of [true, false]) add({ workload: { ...workload, kind: "embeddings", embedsTexts } });
  return paths;
}

describe("every part of the spec", () => {
  it("has its field, or a reason why not", () => {
    const fields = formPaths();
    const uncovered = [...LEAVES.keys()].filter((path) => {
      const plain = path.replace(/^tags\.\*$/, "tags");
      const isHeld = HOLDS.some((held) => plain === held || plain.startsWith(`${held}.`));
      const isParent = [...LEAVES.keys()].some((other) => other.startsWith(`${path}.`));
      return !fields.has(plain) && !isHeld && !isParent && !(plain in CHOSEN) && !(plain in ONLY_AS_JSON);
    });
    expect(uncovered).toEqual([]);
    expect(LEAVES.size).toBeGreaterThan(80);
  });

  it("has the service's own defaults", () => {
    for (const [path, value] of Object.entries(DEFAULTS))
      expect([path, [...(LEAVES.get(path) ?? [])]]).toEqual([path, [value]]);
    for (const [name, value] of Object.entries(LENGTH_DEFAULTS)) {
      expect([...(LEAVES.get(`workload.input_tokens.${name}`) ?? [])]).toEqual([value]);
    }
  });
});

const TARGETS = [{ provider: "p", model: "m" }];

describe("a spec in the form", () => {
  it.each<[string, Record<string, unknown>]>([
    ["steps", { load: { kind: "steps", steps: [{ rate: 1, seconds: 2 }], arrival: "gamma", burstiness: 1 } }],
    ["users", { load: { kind: "closed_steps", steps: [{ concurrency: 3, seconds: 2.5 }] } }],
    ["a ramp", { load: { kind: "ramp", from_rate: 0.1, to_rate: 1e-5, seconds: 9, curve: "exponential" } }],
    [
      "a trace",
      {
        load: { kind: "trace", at_seconds: [0, 1.5], speed: 2 },
        workload: { kind: "trace", requests: [{ input_tokens: 1, output_tokens: 2, blocks: [7] }] },
      },
    ],
    ["prompts", { workload: { kind: "list", prompts: [" two spaces ", "a\nb", { prompt: "x", output_tokens: 3 }] } }],
    ["lines", { workload: { kind: "list", prompts: ["a", "b"] } }],
    [
      "media",
      {
        workload: {
          kind: "synthetic",
          input_tokens: 1,
          output_tokens: { kind: "empirical", values: [1, 2], weights: [1, 0.5] },
          images: { count: 1 },
          audio: { seconds: 2, sample_rate_hz: 8000 },
        },
      },
    ],
    [
      "chats",
      {
        workload: {
          kind: "conversation_list",
          conversations: [[{ role: "user", content: "hi" }]],
          think_time: { mean_seconds: 1, distribution: "exponential" },
        },
      },
    ],
    [
      "a search",
      {
        load: { kind: "closed", concurrency: 1 },
        explore: {
          kind: "search",
          parameter: "concurrency",
          minimum: 1,
          maximum: 8,
          criteria: [{ metric: "e2e_ms", percentile: 99, limit_ms: 5 }],
          max_error_rate: 0.001,
          confidence: 0.9,
        },
      },
    ],
    [
      "the rest",
      {
        sampling: { stop: ["a", " b"], seed: 3, extra: { top_k: 4 }, system: "s" },
        placement: ["gpu"],
        propagate_trace: true,
        save_gaps: false,
        timeouts: { connect_seconds: 1 },
        retry: { max_attempts: 2 },
        limits: { tokens_per_minute: 9 },
        budget_usd: 0.5,
        window: { warmup_seconds: 0 },
      },
    ],
  ])("comes out as it went in: %s", (_, part) => {
    const spec = {
      name: "n",
      targets: TARGETS,
      workload: { kind: "prompt", prompt: "p" },
      load: { kind: "closed", concurrency: 1 },
      stop: { requests: 5 },
      ...part,
    };
    const draft = draftOf(spec);
    expect(buildSpec(draft).spec).toEqual(spec);
    expect(draft.carried).toEqual([]);
  });

  it("carries what it cannot show, and says so", () => {
    const spec = {
      name: "n",
      targets: TARGETS,
      workload: { kind: "prompt", prompt: "p" },
      load: { kind: "closed", concurrency: 8, later: { deep: 1 } },
      stop: { requests: 5 },
      extra_part: [1],
      sampling: { temperature: 0, novel: "x" },
    };
    const draft = draftOf(spec);
    expect(buildSpec(draft).spec).toEqual(spec);
    expect(draft.carried.map((one) => one.path).sort()).toEqual(["extra_part", "load.later.deep", "sampling.novel"]);
    // A target of its own keeps what only it has, and may still be changed.
    const odd = draftOf({ ...spec, targets: [{ provider: "p", model: "m", weight: 2 }] });
    expect(odd.carried.map((one) => one.path)).toContain("targets.0.weight");
    const other = buildSpec({ ...odd, targets: [{ provider: "q", model: "m" }] }).spec.targets;
    expect(other).toEqual([{ provider: "q", model: "m", weight: 2 }]);
    expect(buildSpec({ ...odd, targets: [] }).spec.targets).toEqual([]);
    // A wrong value is in its field, where it can be put right.
    const wrong = draftOf({ load: { kind: "closed", concurrency: "eight" } });
    expect([wrong.load.concurrency, wrong.carried]).toEqual(["eight", []]);
    expect(buildSpec(wrong).problems["load.concurrency"]).toBe("must be a number");
    // What belongs to a load goes with it.
    expect(buildSpec({ ...draft, load: { ...draft.load, kind: "poisson", rate: "2" } }).spec.load).toEqual({
      kind: "poisson",
      rate: 2,
    });
  });

  it("leaves out what a stored spec says although it is the default", () => {
    const stored = {
      name: "n",
      tags: [],
      seed: 0,
      workers: 1,
      budget_usd: null,
      explore: null,
      window: { warmup_seconds: null, cooldown_seconds: null },
      sampling: { stream: true, stop: null, extra: {} },
      retry: { max_attempts: 1, base_delay_ms: 500, max_delay_ms: 20000 },
      load: { kind: "gamma", rate: 1, burstiness: 1, max_in_flight: 20000 },
      save_gaps: true,
    };
    expect(withoutDefaults(stored)).toEqual({ name: "n", load: { kind: "gamma", rate: 1, burstiness: 1 } });
  });

  it.each([null, [], "x", 5, {}, { targets: "x", workload: [], load: 3, explore: { kind: "search", criteria: 4 } }])(
    "takes %j without falling over",
    (document) => expect(() => buildSpec(draftOf(document))).not.toThrow(),
  );
});

describe("a spec as text", () => {
  it("is JSON, TOML or YAML, by name or by look, also inside a summary", async () => {
    const closed = { load: { kind: "closed" } };
    expect(await parseSpec("", '{"load": {"kind": "closed"}}')).toEqual(closed);
    expect(await parseSpec("s.toml", '[load]\nkind = "closed"')).toEqual(closed);
    expect(await parseSpec("", '# mine\n\n[load]\nkind = "closed"')).toEqual(closed);
    expect(await parseSpec("S.YML", "load: {kind: closed}")).toEqual(closed);
    expect(await parseSpec("", "---\nload:\n  kind: closed # users\n")).toEqual(closed);
    expect(await parseSpec("summary.json", '{"spec": {"stop": {"requests": 3}}}')).toEqual({ stop: { requests: 3 } });
    expect(await parseSpec("", "workload:\n  prompt: |\n    a = b\n    [c]\n")).toEqual({
      workload: { prompt: "a = b\n[c]\n" },
    });
  });

  it("reads YAML as the command line does, and no bomb", async () => {
    const text = "load: &l {kind: closed}\nworkload: {<<: *l, stream: yes, at: 2026-11-21}\n";
    expect(await parseSpec("", text)).toMatchObject({ workload: { kind: "closed", stream: true } });
    const bomb = [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      ...[..."bcdefghi"].map((name, at) => {
        const below = "abcdefghi"[at];
        return `${name}: &${name} [${Array(9).fill(`*${below}`).join(",")}]`;
      }),
    ].join("\n");
    await expect(parseSpec("b.yaml", bomb)).rejects.toThrow(/is not YAML: Excessive alias/);
  });

  it.each(["", "nothing", "{", '{"a": 1}', "[1]", "load = 3 4"])("refuses %j in words", async (text) => {
    await expect(parseSpec("", text)).rejects.toThrow(/is (empty|not JSON|not TOML|not YAML|no spec)/);
  });
});

describe("a draft that is kept", () => {
  const base = { origin: "", label: "", draft: EMPTY_DRAFT };
  const draft = { ...EMPTY_DRAFT, name: "mine" };

  it("comes back for the same origin only, and is bounded", () => {
    sessionStorage.clear();
    expect(isChanged(EMPTY_DRAFT, base)).toBe(false);
    expect(keep(draft, base)).toBe(true);
    expect(kept("")?.draft.name).toBe("mine");
    expect(kept("preset:soak")).toBeNull();
    expect(keep({ ...draft, system: "x".repeat(1_000_001) }, base)).toBe(false);
    expect(kept("")).toBeNull();
    sessionStorage.setItem("ltb.new-benchmark", "{broken");
    expect(kept("")).toBeNull();
  });
});
