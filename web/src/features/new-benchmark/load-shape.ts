/** What a load offers over time, as the corners of a line: users, or requests per second. Pure. */

import type { Explore, Load, Stop } from "../../api/types";

export interface LoadShape {
  unit: "users" | "req/s";
  /** Corners in order of time; two with the same time are a jump. */
  corners: readonly (readonly [seconds: number, level: number])[];
  /** How much time is drawn. */
  spanSeconds: number;
  /** How it ends, when the drawn time is not all. */
  note: string | null;
}

// Drawn when nothing in the spec says how long.
const DEFAULT_SPAN_SECONDS = 60;
const CURVE_CORNERS = 48;
const MOST_BINS = 96;

type Corner = readonly [number, number];

export function loadShape(load: Load, stop: Stop | undefined, explore: Explore | undefined): LoadShape | null {
  const shape = explore ? exploredShape(explore, stop) : plainShape(load, stop);
  const isSound =
    shape.corners.length > 0 &&
    shape.spanSeconds > 0 &&
    shape.corners.every((corner) => corner.every((value) => Number.isFinite(value) && value >= 0));
  return isSound && shape.corners.some(([, level]) => level > 0) ? shape : null;
}

function plainShape(load: Load, stop: Stop | undefined): LoadShape {
  switch (load.kind) {
    case "closed":
      return cut("users", ramped(0, load.ramp_up_seconds ?? 0, 0, load.concurrency), load.ramp_up_seconds ?? 0, stop);
    case "closed_steps":
      return ended("users", stairs(load.steps.map(({ concurrency, seconds }) => [seconds, concurrency])), stop);
    case "constant":
    case "poisson":
    case "gamma":
      return cut("req/s", [[0, load.rate]], 0, stop);
    case "ramp":
      return cut("req/s", rampCorners(load), load.seconds, stop);
    case "steps":
      return ended("req/s", stairs(load.steps.map(({ rate, seconds }) => [seconds, rate])), stop);
    case "spike": {
      const end = load.spike_at_seconds + load.spike_seconds;
      const corners: Corner[] = [
        [0, load.rate],
        [load.spike_at_seconds, load.rate],
        [load.spike_at_seconds, load.spike_rate],
        [end, load.spike_rate],
        [end, load.rate],
      ];
      return cut("req/s", corners, end, stop);
    }
    case "trace":
      return ended("req/s", binned(load.at_seconds, load.speed || 1), stop);
  }
}

/** Every level of a sweep once, as long as the stop rule says or one unit each; a search from lowest to highest. */
function exploredShape(explore: Explore, stop: Stop | undefined): LoadShape {
  const unit = explore.parameter === "rate" ? "req/s" : "users";
  const each = stop?.duration_seconds ?? DEFAULT_SPAN_SECONDS;
  if (explore.kind === "sweep") {
    const corners = stairs(explore.values.map((value) => [each, value]));
    const note = stop?.duration_seconds ? null : "each until its requests are done";
    return { unit, corners, spanSeconds: each * explore.values.length, note };
  }
  // Doubles until a level fails, then halves the rest: the lowest and the highest bound what will be tried.
  const corners = stairs([
    [each, explore.minimum],
    [each, explore.maximum],
  ]);
  return { unit, corners, spanSeconds: 2 * each, note: "lowest and highest level that may be tried" };
}

function stairs(steps: readonly (readonly [seconds: number, level: number])[]): Corner[] {
  let at = 0;
  return steps.flatMap(([seconds, level]): Corner[] => {
    const from = at;
    at += seconds;
    return [
      [from, level],
      [at, level],
    ];
  });
}

function ramped(from: number, to: number, low: number, high: number): Corner[] {
  return to > from
    ? [
        [from, low],
        [to, high],
      ]
    : [[from, high]];
}

function rampCorners(load: Extract<Load, { kind: "ramp" }>): Corner[] {
  if (load.curve !== "exponential") return ramped(0, load.seconds, load.from_rate, load.to_rate);
  const factor = load.to_rate / load.from_rate;
  return Array.from({ length: CURVE_CORNERS + 1 }, (_, step): Corner => {
    const share = step / CURVE_CORNERS;
    return [share * load.seconds, load.from_rate * factor ** share];
  });
}

/** Requests per second in equal bins of the recorded time. */
function binned(atSeconds: readonly number[], speed: number): Corner[] {
  const last = (atSeconds.at(-1) ?? 0) / speed;
  const width = Math.max(1, last / MOST_BINS);
  const counts = new Array<number>(Math.min(MOST_BINS, Math.max(1, Math.ceil(last / width)))).fill(0);
  for (const at of atSeconds) {
    const bin = Math.min(counts.length - 1, Math.floor(at / speed / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return stairs(counts.map((n) => [width, n / width]));
}

/** A load that ends by itself, unless the stop rule's time is over before. */
function ended(unit: LoadShape["unit"], corners: readonly Corner[], stop: Stop | undefined): LoadShape {
  const end = corners.at(-1)?.[0] ?? 0;
  const span = Math.min(end, stop?.duration_seconds ?? end);
  return {
    unit,
    corners: clip(corners, span),
    spanSeconds: span,
    note: stop?.requests ? "or until its requests are done" : null,
  };
}

/** A load that goes on at its last level until the stop rule ends it. */
function cut(
  unit: LoadShape["unit"],
  corners: readonly Corner[],
  busySeconds: number,
  stop: Stop | undefined,
): LoadShape {
  const level = corners.at(-1)?.[1] ?? 0;
  const given = stop?.duration_seconds ?? null;
  const byRequests = unit === "req/s" && stop?.requests ? secondsFor(stop.requests, corners) : null;
  const known = [given, byRequests].filter((seconds) => seconds !== null);
  const span = known.length > 0 ? Math.min(...known) : Math.max(DEFAULT_SPAN_SECONDS, 1.5 * busySeconds);
  return {
    unit,
    corners: clip([...corners, [Math.max(span, corners.at(-1)?.[0] ?? 0), level]], span),
    spanSeconds: span,
    note: known.length > 0 ? null : "until its requests are done",
  };
}

/** When that many requests have been offered: the area under the line. */
function secondsFor(requests: number, corners: readonly Corner[]): number {
  let left = requests;
  for (let index = 1; index < corners.length; index += 1) {
    const [from, low] = corners[index - 1] ?? [0, 0];
    const [to, high] = corners[index] ?? [0, 0];
    const area = ((low + high) / 2) * (to - from);
    if (area >= left && area > 0) return from + timeFor(left, low, high, to - from);
    left -= area;
  }
  const [at, level] = corners.at(-1) ?? [0, 0];
  return at + (level > 0 ? left / level : 0);
}

/** How long into a stretch from `low` to `high` until its area is `wanted`. */
function timeFor(wanted: number, low: number, high: number, seconds: number): number {
  const slope = (high - low) / seconds;
  if (Math.abs(slope) < 1e-12) return wanted / low;
  return (Math.sqrt(Math.max(0, low * low + 2 * slope * wanted)) - low) / slope;
}

/** The line up to `end`, with its level there. */
function clip(corners: readonly Corner[], end: number): Corner[] {
  const kept: Corner[] = [];
  for (const [at, level] of corners) {
    if (at <= end) {
      kept.push([at, level]);
      continue;
    }
    const [from, low] = kept.at(-1) ?? [0, level];
    const share = at > from ? (end - from) / (at - from) : 0;
    kept.push([end, low + (level - low) * share]);
    break;
  }
  return kept;
}
