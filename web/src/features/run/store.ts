/** One benchmark as it is looked at: what was stored, the newest progress, and the timeline in a ring. */

import { batch, computed, signal } from "@preact/signals";
import { getBenchmark, getTimeline } from "../../api/endpoints";
import { type ApiError, asApiError } from "../../api/errors";
import {
  type Benchmark,
  type Progress,
  type TestsCompleted,
  TIMELINE_COLUMNS,
  type Timeline,
  type TimelineColumn,
} from "../../api/types";
import { forgetZoom, frames, Ring } from "../../charts";
import { live } from "../../live";
import type { LiveEvent } from "../../live/messages";
import { Extremes } from "./extremes";

// Two hours at one point a second; the server keeps at most 3,600 points, coarser for longer runs.
const RING_ROWS = 7_200;

export class RunStore {
  readonly id: string;
  readonly benchmark = signal<Benchmark | null>(null);
  readonly progress = signal<Progress | null>(null);
  readonly error = signal<ApiError | null>(null);
  readonly timelineError = signal<ApiError | null>(null);
  /** Grows when the timeline has been read anew. */
  readonly timelineVersion = signal(0);
  readonly isDeleted = signal(false);
  /** The view stands still; what comes meanwhile is kept and shown when it goes on. */
  readonly isPaused = signal(false);
  /** The slowest and the failed requests, as they happen. */
  readonly extremes = new Extremes();
  /** When the newest progress came, ms since the epoch. */
  readonly heardAt = signal(0);
  readonly ring = new Ring<TimelineColumn>(TIMELINE_COLUMNS, RING_ROWS);
  readonly status = computed(() => {
    const stored = this.benchmark.value?.status;
    if (!stored || isEnd(stored)) return stored ?? "pending";
    return this.progress.value?.status ?? stored;
  });
  readonly isOver = computed(() => isEnd(this.status.value));
  #abort = new AbortController();
  #stopListening: (() => void) | null = null;
  readonly #held: Progress[] = [];

  constructor(id: string) {
    this.id = id;
  }

  open(): void {
    this.#abort = new AbortController();
    this.#stopListening = live.subscribe({
      topics: ["benchmark.*", "test.completed"],
      sessionId: this.id,
      onEvent: (event) => this.onEvent(event),
      onResume: () => void this.load(),
    });
    void this.load();
  }

  close(): void {
    this.#abort.abort();
    forgetZoom(this.id);
    this.#stopListening?.();
  }

  pause(): void {
    this.isPaused.value = true;
  }

  /** Shows what has come in the meantime. */
  resume(): void {
    batch(() => {
      this.isPaused.value = false;
      for (const progress of this.#held.splice(0)) this.#take(progress);
    });
  }

  /** Reads the benchmark and its timeline; also fills the gap after the connection was away. */
  async load(): Promise<void> {
    const { signal: aborted } = this.#abort;
    try {
      const benchmark = await getBenchmark(this.id, aborted);
      if (aborted.aborted) return;
      batch(() => {
        this.benchmark.value = benchmark;
        this.error.value = null;
        if (isEnd(benchmark.status)) this.isPaused.value = false;
        if (benchmark.progress) this.#hear(benchmark.progress);
      });
    } catch (reason) {
      if (!aborted.aborted) this.error.value = asApiError(reason);
      return;
    }
    try {
      const timeline = await getTimeline(this.id, aborted);
      if (aborted.aborted) return;
      fillRing(this.ring, timeline, { isOver: this.isOver.value });
      this.timelineError.value = null;
      this.timelineVersion.value += 1;
      frames.wake();
    } catch (reason) {
      if (!aborted.aborted) this.timelineError.value = asApiError(reason);
    }
  }

  onEvent(event: LiveEvent): void {
    if (event.topic === "benchmark.deleted") this.isDeleted.value = true;
    else if (event.topic === "benchmark.progress") this.#tick(event.payload as unknown as Progress);
    else if (event.topic === "test.completed") this.extremes.take(event.payload as unknown as TestsCompleted);
    else void this.load();
  }

  #tick(progress: Progress): void {
    if (this.benchmark.value && isEnd(this.benchmark.value.status)) return;
    if (this.isPaused.value) {
      this.heardAt.value = Date.now();
      // Of each second the newest says all; two hours of seconds are what the ring holds as well.
      if (this.#held.at(-1)?.point?.t_s === progress.point?.t_s) this.#held.pop();
      if (this.#held.length >= RING_ROWS) this.#held.shift();
      this.#held.push(progress);
      return;
    }
    this.#take(progress);
  }

  #take(progress: Progress): void {
    this.#hear(progress);
    if (!progress.point) return;
    const { t_s: at, ...row } = progress.point;
    if (this.ring.put(at, row)) frames.wake();
  }

  #hear(progress: Progress): void {
    batch(() => {
      this.progress.value = progress;
      this.heardAt.value = Date.now();
    });
  }
}

function isEnd(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/**
 * Replaces the ring's rows by a timeline's, keeping newer ones that arrived while it was fetched. While the run lasts the
 * timeline's last second is not over: its true point comes live.
 */
export function fillRing(
  ring: Ring<TimelineColumn>,
  timeline: Pick<Timeline, "t_s"> & Partial<Timeline>,
  { isOver }: { isOver: boolean },
): void {
  const rows = isOver ? timeline.t_s : timeline.t_s.slice(0, -1);
  const last = rows.at(-1) ?? Number.NEGATIVE_INFINITY;
  const newer = Array.from(ring.x())
    .map((at, row) => ({ at, values: TIMELINE_COLUMNS.map((column) => ring.y(column)[row] ?? Number.NaN) }))
    .filter(({ at }) => at > last);
  ring.clear();
  rows.forEach((at, row) => {
    ring.put(at, Object.fromEntries(TIMELINE_COLUMNS.map((column) => [column, timeline[column]?.[row]])));
  });
  for (const { at, values } of newer) {
    ring.put(at, Object.fromEntries(TIMELINE_COLUMNS.map((column, index) => [column, values[index]])));
  }
}
