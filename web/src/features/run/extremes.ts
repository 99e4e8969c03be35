/** The slowest requests of a run and the newest that failed, in bounded lists that grow as it goes on. */

import { signal } from "@preact/signals";
import type { Points, ResultItem, TestsCompleted } from "../../api/types";

const MOST = 8;

export interface Slow {
  index: number;
  ttftMs: number | null;
  e2eMs: number;
}

export interface Failed {
  index: number;
  errorType: string;
  error: string | null;
  attempts: number;
  afterMs: number | null;
}

export class Extremes {
  readonly slowest = signal<readonly Slow[]>([]);
  readonly failed = signal<readonly Failed[]>([]);

  /** What has just ended. */
  take({ slowest = [], failed = [] }: TestsCompleted): void {
    this.#addSlow(slowest.map((one) => ({ index: one.index, ttftMs: one.ttft_ms, e2eMs: one.e2e_ms })));
    this.#addFailed(
      failed.map((one) => ({
        index: one.index,
        errorType: one.error_type,
        error: one.error,
        attempts: one.attempts,
        afterMs: one.failed_after_ms,
      })),
    );
  }

  /** What had ended before one looked: of `e2e_ms` over `ttft_ms`. */
  fill(points: Points, failed: readonly ResultItem[]): void {
    const slow = points.extremes.filter(({ status }) => status === "ok");
    this.#addSlow(slow.map(({ index, x, y }) => ({ index, ttftMs: x, e2eMs: y })));
    this.#addFailed(
      failed.map((one) => ({
        index: one.index,
        errorType: one.error_type ?? "unknown",
        error: one.error,
        attempts: one.attempts,
        afterMs: one.stream_end_ms,
      })),
    );
  }

  /** Takes over what another one has gathered. */
  merge(other: Extremes): void {
    this.#addSlow(other.slowest.peek());
    this.#addFailed(other.failed.peek());
  }

  #addSlow(more: readonly Slow[]): void {
    if (more.length === 0) return;
    const shown = this.slowest.peek();
    // Nearly everything that ends is faster than the slowest: then there is nothing to show anew.
    const least = shown.length < MOST ? Number.NEGATIVE_INFINITY : (shown.at(-1)?.e2eMs ?? 0);
    if (!more.some(({ e2eMs }) => e2eMs > least)) return;
    const all = [...new Map([...shown, ...more].map((one) => [one.index, one])).values()];
    this.slowest.value = all.sort((one, other) => other.e2eMs - one.e2eMs).slice(0, MOST);
  }

  #addFailed(more: readonly Failed[]): void {
    if (more.length === 0) return;
    const all = [...new Map([...this.failed.peek(), ...more].map((one) => [one.index, one])).values()];
    this.failed.value = all.sort((one, other) => other.index - one.index).slice(0, MOST);
  }
}
