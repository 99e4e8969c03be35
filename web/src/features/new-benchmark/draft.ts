/** The form as it stands: what was typed, as text. `spec.ts` makes a spec of it. */

import type {
  ChatTurn,
  Explore,
  LatencyMetric,
  Load,
  PromptItem,
  Target,
  TraceRequest,
  Workload,
} from "../../api/types";

/** What a file held, kept as values: a hundred thousand prompts have no place in a text field. */
export interface FileDraft<Item> {
  name: string;
  items: Item[];
}

export type LengthKind = "fixed" | "normal" | "lognormal" | "uniform" | "empirical";

export interface LengthDraft {
  kind: LengthKind;
  tokens: string;
  mean: string;
  stdev: string;
  minimum: string;
  maximum: string;
  values: string;
  weights: string;
}

export interface StepDraft {
  level: string;
  seconds: string;
}

export type Arrival = "constant" | "poisson" | "gamma";

export interface LoadDraft {
  kind: Load["kind"];
  concurrency: string;
  rampUpSeconds: string;
  userSteps: StepDraft[];
  rate: string;
  burstiness: string;
  maxInFlight: string;
  arrival: Arrival;
  fromRate: string;
  toRate: string;
  rampSeconds: string;
  curve: "linear" | "exponential";
  rateSteps: StepDraft[];
  spikeRate: string;
  spikeAtSeconds: string;
  spikeSeconds: string;
  atSeconds: string;
  speed: string;
}

export interface WorkloadDraft {
  kind: Workload["kind"];
  prompt: string;
  prompts: string;
  promptFile: FileDraft<string | PromptItem> | null;
  inputTokens: LengthDraft;
  outputTokens: LengthDraft;
  wordsPerToken: string;
  /** Made-up images in each request: how many, and of how many pixels. */
  imageCount: string;
  imageWidth: string;
  imageHeight: string;
  audioSeconds: string;
  audioRateHz: string;
  groups: string;
  prefixTokens: string;
  uniqueness: string;
  turns: string;
  thinkSeconds: string;
  thinkDistribution: "fixed" | "exponential";
  conversations: string;
  conversationFile: FileDraft<ChatTurn[]> | null;
  embedsTexts: boolean;
  texts: string;
  textFile: FileDraft<string> | null;
  batchSize: string;
  traceRequests: string;
  blockTokens: string;
}

/** A recorded trace out of a file: when requests came, and how long they were. */
export interface TraceFile {
  name: string;
  atSeconds: number[];
  /** Null when the file says nothing about lengths. */
  requests: TraceRequest[] | null;
}

export interface CriterionDraft {
  metric: LatencyMetric;
  percentile: string;
  limitMs: string;
}

export interface ExploreDraft {
  kind: "none" | Explore["kind"];
  values: string;
  minimum: string;
  maximum: string;
  criteria: CriterionDraft[];
  maxErrorPercent: string;
  confidencePercent: string;
  tolerancePercent: string;
  maxPoints: string;
}

/** A part of a spec that came from elsewhere and that no field shows: kept, listed, and sent as it is. */
export interface Carried {
  path: string;
  value: unknown;
  /** The kind of the load, workload or exploration that it belongs to. */
  kind?: string;
}

export interface Draft {
  name: string;
  tags: string;
  targets: Target[];
  workload: WorkloadDraft;
  load: LoadDraft;
  /** For loads and workloads of kind `trace`; both may take their part from it. */
  traceFile: TraceFile | null;
  explore: ExploreDraft;
  requests: string;
  durationSeconds: string;
  sloTtftMs: string;
  sloTpotMs: string;
  sloE2eMs: string;
  givesWindow: boolean;
  warmupSeconds: string;
  cooldownSeconds: string;
  stream: boolean;
  system: string;
  maxTokens: string;
  temperature: string;
  topP: string;
  stopTexts: string;
  samplingSeed: string;
  extra: string;
  maxAttempts: string;
  baseDelayMs: string;
  maxDelayMs: string;
  connectSeconds: string;
  firstTokenSeconds: string;
  betweenChunksSeconds: string;
  totalSeconds: string;
  requestsPerMinute: string;
  tokensPerMinute: string;
  budgetUsd: string;
  seed: string;
  workers: string;
  saveResponses: boolean;
  saveGaps: boolean;
  placement: string;
  propagateTrace: boolean;
  carried: Carried[];
}

function lengthOf(tokens: string, stdev: string): LengthDraft {
  return {
    kind: "fixed",
    tokens,
    mean: tokens,
    stdev,
    minimum: "",
    maximum: "",
    values: "",
    weights: "",
  };
}

const EMPTY_LOAD: LoadDraft = {
  kind: "closed",
  concurrency: "8",
  rampUpSeconds: "",
  userSteps: [
    { level: "4", seconds: "30" },
    { level: "16", seconds: "30" },
  ],
  rate: "5",
  burstiness: "0.5",
  maxInFlight: "",
  arrival: "poisson",
  fromRate: "1",
  toRate: "10",
  rampSeconds: "60",
  curve: "linear",
  rateSteps: [
    { level: "2", seconds: "30" },
    { level: "8", seconds: "30" },
  ],
  spikeRate: "20",
  spikeAtSeconds: "20",
  spikeSeconds: "10",
  atSeconds: "",
  speed: "",
};

const EMPTY_WORKLOAD: WorkloadDraft = {
  kind: "prompt",
  prompt: "Explain in a few sentences how a lighthouse works.",
  prompts: "",
  promptFile: null,
  inputTokens: lengthOf("512", "128"),
  outputTokens: lengthOf("128", "32"),
  wordsPerToken: "",
  imageCount: "",
  imageWidth: "",
  imageHeight: "",
  audioSeconds: "",
  audioRateHz: "",
  groups: "8",
  prefixTokens: "1024",
  uniqueness: "",
  turns: "4",
  thinkSeconds: "",
  thinkDistribution: "fixed",
  conversations: "",
  conversationFile: null,
  embedsTexts: false,
  texts: "",
  textFile: null,
  batchSize: "",
  traceRequests: "",
  blockTokens: "",
};

/** A small run that is useful as it is, once it has a target. */
export const EMPTY_DRAFT: Draft = {
  name: "",
  tags: "",
  targets: [{ provider: "", model: "" }],
  workload: EMPTY_WORKLOAD,
  load: EMPTY_LOAD,
  traceFile: null,
  explore: {
    kind: "none",
    values: "1, 2, 4, 8, 16, 32",
    minimum: "1",
    maximum: "64",
    criteria: [{ metric: "ttft_ms", percentile: "95", limitMs: "500" }],
    maxErrorPercent: "1",
    confidencePercent: "",
    tolerancePercent: "",
    maxPoints: "",
  },
  requests: "100",
  durationSeconds: "",
  sloTtftMs: "",
  sloTpotMs: "",
  sloE2eMs: "",
  givesWindow: false,
  warmupSeconds: "",
  cooldownSeconds: "",
  stream: true,
  system: "",
  maxTokens: "",
  temperature: "",
  topP: "",
  stopTexts: "",
  samplingSeed: "",
  extra: "",
  maxAttempts: "",
  baseDelayMs: "",
  maxDelayMs: "",
  connectSeconds: "",
  firstTokenSeconds: "",
  betweenChunksSeconds: "",
  totalSeconds: "",
  requestsPerMinute: "",
  tokensPerMinute: "",
  budgetUsd: "",
  seed: "",
  workers: "",
  saveResponses: false,
  saveGaps: true,
  placement: "",
  propagateTrace: false,
  carried: [],
};
