/** The rows of the list: first page, more pages, and the live changes between. */

import { batch, signal } from "@preact/signals";
import { getBenchmark, listBenchmarks } from "../../api/endpoints";
import { type ApiError, asApiError } from "../../api/errors";
import type { BenchmarkListItem, Progress } from "../../api/types";
import { live } from "../../live";
import type { LiveEvent } from "../../live/messages";
import type { Filters } from "./filters";
import { appendPage, mergeFirstPage, rowOf, withProgress } from "./rows";

const PAGE_SIZE = 50;
// Several runs often change at once; one fetch serves them all.
const REFRESH_AFTER_MS = 300;

export class BenchmarkList {
  readonly rows = signal<BenchmarkListItem[] | null>(null);
  readonly error = signal<ApiError | null>(null);
  readonly hasMore = signal(false);
  readonly loading = signal(false);
  #filters: Filters = { status: "", q: "" };
  #cursor: string | null = null;
  #abort = new AbortController();
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #stopListening: (() => void) | null = null;

  /** Shows the first page for `filters` and follows what happens. */
  open(filters: Filters): void {
    this.close();
    this.#filters = filters;
    this.#abort = new AbortController();
    this.#stopListening = live.subscribe({
      topics: ["benchmark.*"],
      onEvent: (event) => this.#onEvent(event),
      onResume: () => this.#refreshSoon(),
    });
    void this.#load((_, page) => page);
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#refresh);
    this.#stopListening?.();
    this.#stopListening = null;
  }

  retry(): void {
    void this.#load(mergeFirstPage);
  }

  more(): void {
    if (this.#cursor && !this.loading.value) void this.#load(appendPage, this.#cursor);
  }

  async #load(
    merge: (rows: readonly BenchmarkListItem[], page: readonly BenchmarkListItem[]) => readonly BenchmarkListItem[],
    cursor: string | null = null,
  ): Promise<void> {
    const { signal: aborted } = this.#abort;
    this.loading.value = true;
    try {
      const { status, q } = this.#filters;
      const page = await listBenchmarks({ status, q, limit: PAGE_SIZE, cursor }, aborted);
      if (aborted.aborted) return;
      batch(() => {
        const before = this.rows.value ?? [];
        const after = [...merge(before, page.items)];
        // Rows below a refreshed first page keep the cursor that follows them.
        if (merge !== mergeFirstPage || after.length === page.items.length) {
          this.#cursor = page.next_cursor ?? null;
          this.hasMore.value = this.#cursor !== null;
        }
        this.rows.value = after;
        this.error.value = null;
        this.loading.value = false;
      });
    } catch (reason) {
      if (aborted.aborted) return;
      this.error.value = asApiError(reason);
      this.loading.value = false;
    }
  }

  #onEvent(event: LiveEvent): void {
    const id = event.session_id;
    if (!id) return;
    if (event.topic === "benchmark.progress") {
      if (this.rows.value) this.rows.value = withProgress(this.rows.value, id, event.payload as unknown as Progress);
    } else if (event.topic === "benchmark.deleted") {
      this.rows.value = this.rows.value?.filter((row) => row.id !== id) ?? null;
    } else if (event.topic !== "benchmark.created" && this.rows.value?.some((row) => row.id === id)) {
      void this.#reread(id);
    } else {
      this.#refreshSoon();
    }
  }

  async #reread(id: string): Promise<void> {
    try {
      const row = rowOf(await getBenchmark(id, this.#abort.signal));
      this.rows.value = this.rows.value?.map((old) => (old.id === id ? row : old)) ?? null;
    } catch {
      this.#refreshSoon();
    }
  }

  #refreshSoon(): void {
    clearTimeout(this.#refresh);
    this.#refresh = setTimeout(() => void this.#load(mergeFirstPage), REFRESH_AFTER_MS);
  }
}
