/** What can go wrong between the browser and the service, as one type that every error view understands. */

/** One wrong field of a request: its path as the service names it, e.g. `load.concurrency`. */
export interface FieldProblem {
  path: string;
  message: string;
  allowed?: unknown;
}

interface ErrorInit {
  status: number;
  code: string;
  message: string;
  requestId?: string | null;
  retryable?: boolean;
  problems?: FieldProblem[];
  permission?: string | null;
}

export class ApiError extends Error {
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly retryable: boolean;
  readonly problems: FieldProblem[];
  /** The permission that was missing, when that was the reason. */
  readonly permission: string | null;

  constructor(init: ErrorInit) {
    super(init.message);
    this.name = "ApiError";
    this.status = init.status;
    this.code = init.code;
    this.requestId = init.requestId ?? null;
    this.retryable = init.retryable ?? false;
    this.problems = init.problems ?? [];
    this.permission = init.permission ?? null;
  }
}

type Json = Record<string, unknown>;

function asObject(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function asProblems(value: unknown): FieldProblem[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const problem = asObject(entry);
    const message = asText(problem?.message);
    if (!problem || message === null) return [];
    return [{ path: asText(problem.path) ?? "", message, allowed: problem.allowed }];
  });
}

/** The error in a refused answer. Bodies that are not our envelope (a proxy's page) still give a readable one. */
export function errorFromResponse(status: number, body: unknown, requestIdHeader: string | null): ApiError {
  const envelope = asObject(body);
  const error = asObject(envelope?.error);
  const details = asObject(error?.details);
  return new ApiError({
    status,
    code: asText(error?.code) ?? `HTTP_${status}`,
    message: asText(error?.message) ?? `The service answered ${status} without saying why.`,
    requestId: asText(envelope?.request_id) ?? requestIdHeader,
    retryable: error?.retryable === true,
    problems: asProblems(details?.errors),
    permission: asText(details?.permission),
  });
}

/** The error when nothing answered: no network, the service is down, or it took too long. */
export function errorFromFailure(reason: unknown): ApiError {
  const timedOut = reason instanceof DOMException && reason.name === "TimeoutError";
  return new ApiError({
    status: 0,
    code: timedOut ? "TIMEOUT" : "UNREACHABLE",
    message: timedOut ? "The service did not answer in time." : "The service cannot be reached.",
    retryable: true,
  });
}

/** Anything thrown, as an `ApiError`. */
export function asApiError(reason: unknown): ApiError {
  if (reason instanceof ApiError) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return new ApiError({ status: 0, code: "DASHBOARD", message: `The dashboard failed: ${message}` });
}
