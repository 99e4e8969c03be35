/**
 * The service's data under the names that the dashboard uses. All of it comes from `schema.d.ts`, which `npm run api`
 * makes of `openapi.json`; only what a run found is in `summary.ts`, because stored summaries are of every age.
 *
 * Fields with a default are optional in the document, because one may leave them out of a request. Answers always carry
 * them, which is what `Required` says here.
 */

import type { components } from "./schema";
import type { ExplorationProgress, Summary } from "./summary";

type Schemas = components["schemas"];

export type Status = Schemas["Status"];
export type Permission = Schemas["Permission"];
export type User = Schemas["UserView"];
export type Login = Schemas["SignedIn"];
export type UserDetail = Schemas["UserDetail"];
export type UserCreate = Schemas["UserCreate"];
export type UserCreated = Schemas["UserCreated"];
export type UserUpdate = Schemas["UserUpdate"];
export type Role = Schemas["RoleView"];
export type SignIn = Schemas["SessionView"];
export type ApiKey = Schemas["ApiKeyView"];
export type ApiKeyCreate = Schemas["ApiKeyCreate"];
export type ApiKeyCreated = Schemas["ApiKeyCreated"];
export type PreferencesDocument = Schemas["PreferencesDocument"];

export type AuditEntry = Schemas["AuditEntryView"];
export type AuditCheck = Schemas["AuditCheck"];

export type RuntimeSettings = Schemas["RuntimeSettingsView"];
export type RuntimeSettingsUpdate = Schemas["RuntimeSettingsUpdate"];
export type ConfiguredSetting = Schemas["ConfiguredSetting"];
export type Alerts = Schemas["Alerts"];
export type Alert = Schemas["AlertView"];

export type Cluster = Schemas["ClusterView"];
export type ClusterWorker = Schemas["ClusterWorker"];
export type WaitingBenchmark = Schemas["WaitingBenchmark"];

export type SignInMethods = Required<Schemas["SignInMethods"]>;

export type Comparison = Schemas["Comparison"];
export type ComparedRun = Schemas["ComparedRun"];
export type ComparedFigure = Schemas["FigureView"];
export type ComparedDifference = Schemas["DifferenceView"];
export type ComparedEstimate = Schemas["EstimateView"];
export type Pairing = Schemas["Pairing"];
export type ComparisonVerdict = Schemas["Verdict"];

/** Something, and the tag of the state that it is in. */
export interface Tagged<Value> {
  value: Value;
  etag: string | null;
}

export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

export type BenchmarkSpec = Schemas["BenchmarkSpec"];
export type Preset = Schemas["Preset"];
export type ExpectedRange = Schemas["ExpectedRange"];
export type SpecCheck = Schemas["SpecCheck"];
export type SpecValidation = Schemas["SpecValidation"];
export type Target = Schemas["Target"];
export type Workload = BenchmarkSpec["workload"];
export type Load = BenchmarkSpec["load"];
export type Stop = Schemas["StopRule"];
export type Explore = NonNullable<BenchmarkSpec["explore"]>;
export type ThinkTime = Schemas["ThinkTime"];
export type MadeUpImages = Schemas["MadeUpImages"];
export type MadeUpAudio = Schemas["MadeUpAudio"];
export type ChatTurn = Schemas["ChatTurn"];
export type PromptItem = Schemas["PromptItem"];
export type TraceRequest = Schemas["TraceRequest"];
export type LatencyMetric = Schemas["Criterion"]["metric"];
/** A number of tokens, or a distribution of it. */
export type Length = Schemas["SyntheticPrompts"]["input_tokens"];
/** The load, workload or exploration of one kind: `OfKind<Load, "ramp">`. */
export type OfKind<Part extends { kind: string }, Kind extends Part["kind"]> = Extract<Part, { kind: Kind }>;

export type Timeline = Schemas["Timeline"];
export type TimelinePoint = Schemas["TimelinePoint"];
export type TimelineColumn = Exclude<keyof Timeline, "t_s">;

/** The columns of a timeline besides `t_s`, in the order in which they are kept. */
export const TIMELINE_COLUMNS = [
  "ttft_p50_ms",
  "ttft_p95_ms",
  "ttft_p99_ms",
  "gap_p50_ms",
  "gap_p95_ms",
  "gap_p99_ms",
  "output_tokens_per_s",
  "requests_per_s",
  "chunks_per_s",
  "errors_per_s",
  "in_flight",
  "offered_per_s",
] as const satisfies readonly TimelineColumn[];

export type Progress = Required<Omit<Schemas["Progress"], keyof ExplorationProgress>> & ExplorationProgress;
export type Headline = Schemas["Headline"];
export type Matching = Schemas["Matching"];
export type BulkAnswer = Schemas["BulkAnswer"];
export type BulkChanges = Omit<Schemas["BulkUpdate"], "items">;
export type SortColumn = Schemas["Sort"];
export type SortDirection = Schemas["Direction"];
export type LoadKind = Schemas["LoadKind"];
export type Visibility = Schemas["Visibility"];

export type Metric = Schemas["Distributions"]["metric"];
export type Distributions = Schemas["Distributions"];
export type Curve = Schemas["Curve"];
export type Heatmap = Schemas["Heatmap"];
export type ErrorTimeline = Schemas["ErrorTimeline"];
export type Points = Schemas["Points"];
export type PointField = Points["x"];
export type RequestDetail = Schemas["RequestDetail"];
export type RequestBody = Required<Schemas["RequestBody"]>;
export type WaterfallPhase = Schemas["Phase"];
export type ResultItem = Schemas["ResultItem"];

/** What `test.completed` tells of the requests that have just ended. */
export interface TestsCompleted {
  number: number;
  slowest?: { index: number; ttft_ms: number | null; e2e_ms: number }[];
  failed?: {
    index: number;
    error_type: string;
    error: string | null;
    http_status: number | null;
    attempts: number;
    failed_after_ms: number | null;
  }[];
}

/** Progress as an event carries it is the one of the schema; a stored benchmark's is as complete. */
export type Benchmark = Omit<Schemas["Benchmark"], "progress" | "summary"> & {
  progress: Progress | null;
  summary: Summary | null;
};
export type BenchmarkListItem = Omit<Schemas["BenchmarkListItem"], "progress"> & { progress: Progress | null };

export type Provider = Schemas["ProviderView"];
export type ProviderInput = Schemas["ProviderCreate"];
export type ProviderChanges = Schemas["ProviderUpdate"];
export type ProviderHealth = Schemas["ProviderHealth"];
export type ProviderChecks = Schemas["HealthHistory"];
export type ProviderCheck = Schemas["HealthCheckView"];
export type ProviderPage = Schemas["ProviderPage"];
export type ProviderKind = Schemas["KindView"];
export type ProviderModel = Schemas["ModelView"];
export type Capabilities = Schemas["CapabilitiesView"];
export type Price = Schemas["PriceView"];
export type ProviderModels = Schemas["ModelList"];
