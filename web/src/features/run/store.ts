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
// A timeline of two hours is half a megabyte: not for each tick that a slow connection missed.
const CATCH_UP_MS = 5_000;

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
  #catchUp: ReturnType<typeof setTimeout> | undefined;
  #stopListening: (() => void) | null = null;
  /** How far the time axis reaches, in seconds: it changes with each point, not with each progress. */
  readonly endS = computed(() => {
    // Read with the version, so that the axis follows the charts beside it.
    const isRead = this.timelineVersion.value > 0;
    const live = this.isOver.value ? 0 : (this.progress.value?.point?.t_s ?? 0);
    return Math.max(isRead ? (this.ring.lastX ?? 0) : 0, live);
  });
  readonly #held: Progress[] = [];
  #heldExtremes = new Extremes();
  /** The newest progress of a tab that nobody sees. */
  #unseen: { progress: Progress; at: number } | null = null;

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
    document.addEventListener("visibilitychange", this.#seen);
    void this.load();
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.#seen);
    clearTimeout(this.#catchUp);
    this.#catchUp = undefined;
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
      this.extremes.merge(this.#heldExtremes);
      this.#heldExtremes = new Extremes();
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
    await this.#readTimeline();
  }

  async #readTimeline(): Promise<void> {
    const { signal: aborted } = this.#abort;
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
    else if (event.topic === "test.completed") this.#ended(event.payload as unknown as TestsCompleted);
    else void this.load();
  }

  #ended(tests: TestsCompleted): void {
    (this.isPaused.value ? this.#heldExtremes : this.extremes).take(tests);
  }

  #tick(progress: Progress): void {
    if (this.benchmark.value && isEnd(this.benchmark.value.status)) return;
    if (this.isPaused.value) {
      this.heardAt.value = Date.now();
      hold(this.#held, progress);
      return;
    }
    this.#take(progress);
  }

  #take(progress: Progress): void {
    if (document.hidden) this.#unseen = { progress, at: Date.now() };
    else this.#hear(progress);
    let isNew = false;
    if (progress.point) {
      const { t_s: at, ...row } = progress.point;
      this.#watchForHoles(progress);
      isNew = this.ring.put(at, row);
    }
    for (const { t_s: at, ...row } of progress.earlier ?? []) isNew = this.ring.amend(at, row) || isNew;
    if (isNew) frames.wake();
  }

  /** Numbers that nobody sees are not written; what came is shown when the tab is looked at again. */
  readonly #seen = (): void => {
    if (document.hidden || !this.#unseen) return;
    this.#hear(this.#unseen.progress, this.#unseen.at);
  };

  /** A client that reads too slowly is not told of every tick: then the timeline has a hole, which is filled in a while. */
  #watchForHoles(progress: Progress): void {
    const before = this.ring.lastX;
    const at = progress.point?.t_s;
    if (before === null || at === undefined || at <= before) return;
    const seconds = this.ring.x();
    const width = before - (seconds.at(-2) ?? before - 1);
    const told = new Set((progress.earlier ?? []).map(({ t_s: second }) => second));
    for (let second = before + width; second < at; second += width) {
      if (told.has(second)) continue;
      this.#catchUp ??= setTimeout(() => {
        this.#catchUp = undefined;
        void this.#readTimeline();
      }, CATCH_UP_MS);
      return;
    }
  }

  #hear(progress: Progress, at = Date.now()): void {
    this.#unseen = null;
    batch(() => {
      this.progress.value = progress;
      this.heardAt.value = at;
    });
  }
}

/** Keeps a progress for later; of each second the newest says all, but for what it tells of earlier ones. */
export function hold(held: Progress[], progress: Progress): void {
  const last = held.at(-1);
  const isSame = last?.point?.t_s === progress.point?.t_s;
  if (last && isSame) held.pop();
  // Two hours of seconds are what the ring holds as well.
  else if (held.length >= RING_ROWS) held.shift();
  const earlier = last && isSame ? [...(last.earlier ?? []), ...(progress.earlier ?? [])] : progress.earlier;
  held.push(earlier === progress.earlier ? progress : { ...progress, earlier });
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
