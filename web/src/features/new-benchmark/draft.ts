/** The form as it stands: what was typed, as text. `spec.ts` makes a spec of it. */

import type { Load, Target, Workload } from "../../api/types";

export interface Draft {
  name: string;
  tags: string;
  targets: Target[];
  workloadKind: Extract<Workload["kind"], "prompt" | "list" | "synthetic">;
  prompt: string;
  prompts: string;
  inputTokens: string;
  outputTokens: string;
  loadKind: Extract<Load["kind"], "closed" | "constant" | "poisson">;
  concurrency: string;
  rate: string;
  maxInFlight: string;
  requests: string;
  durationSeconds: string;
  sloTtftMs: string;
  sloTpotMs: string;
  sloE2eMs: string;
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
  seed: string;
  workers: string;
  saveResponses: boolean;
  saveGaps: boolean;
}

/** A small run that is useful as it is, once it has a target. */
export const EMPTY_DRAFT: Draft = {
  name: "",
  tags: "",
  targets: [{ provider: "", model: "" }],
  workloadKind: "prompt",
  prompt: "Explain in a few sentences how a lighthouse works.",
  prompts: "",
  inputTokens: "512",
  outputTokens: "128",
  loadKind: "closed",
  concurrency: "8",
  rate: "5",
  maxInFlight: "",
  requests: "100",
  durationSeconds: "",
  sloTtftMs: "",
  sloTpotMs: "",
  sloE2eMs: "",
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
  seed: "",
  workers: "",
  saveResponses: false,
  saveGaps: true,
};
