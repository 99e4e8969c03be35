/**
 * The rows of the list: pages in the order of the server, as far down as somebody looks, and the live changes between.
 * Rows never move by themselves: what changes is changed in its place, and what is new is counted until it is asked for.
 */

import { batch, signal } from "@preact/signals";
import { type BenchmarkQuery, listBenchmarks, matchBenchmarks } from "../../api/endpoints";
import { type ApiError, asApiError } from "../../api/errors";
import type { BenchmarkListItem, Progress } from "../../api/types";
import { live } from "../../live";
import type { LiveEvent } from "../../live/messages";
import { appendPage, isOver, replaced, withProgress } from "./rows";
import { chunks } from "./selection";

const FIRST_PAGE = 100;
const NEXT_PAGE = 500;
// As many ids as one request may name.
const MOST_IDS = 100;
// Several runs often change at once; one request serves them all.
const REREAD_AFTER_MS = 300;
// Numbers change at most four times a second.
const PROGRESS_EVERY_MS = 250;
// Of rows that were loaded long ago, only so many are read again after events were missed.
const MOST_REREAD = 500;

export class BenchmarkList {
  readonly rows = signal<readonly BenchmarkListItem[] | null>(null);
  /** How many there are over all pages; null before it is known. */
  readonly total = signal<number | null>(null);
  readonly error = signal<ApiError | null>(null);
  readonly loading = signal(false);
  /** New benchmarks that fit and are not shown yet. */
  readonly arrived = signal<ReadonlySet<string>>(new Set());
  /** Called with what was deleted, or may not be seen any more. */
  onGone: (gone: ReadonlySet<string>) => void = () => {};

  #query: BenchmarkQuery = {};
  #cursor: string | null = null;
  #wanted = 0;
  #abort = new AbortController();
  #stopListening: (() => void) | null = null;
  #changed = new Set<string>();
  #created = new Set<string>();
  #progress = new Map<string, Progress>();
  #reread: ReturnType<typeof setTimeout> | undefined;
  #tick: ReturnType<typeof setTimeout> | undefined;

  /** Shows the first page for `query` and follows what happens. Rows of another query stay until it is there. */
  open(query: BenchmarkQuery): void {
    this.close();
    this.#query = query;
    this.#abort = new AbortController();
    this.#stopListening = live.subscribe({
      topics: ["benchmark.*"],
      onEvent: (event) => this.#onEvent(event),
      onResume: () => this.#onResume(),
    });
    this.restart();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#reread);
    clearTimeout(this.#tick);
    this.#tick = undefined;
    this.#changed.clear();
    this.#created.clear();
    this.#progress.clear();
    this.#stopListening?.();
    this.#stopListening = null;
    this.loading.value = false;
  }

  /** Begins at the top again, with what is new. */
  restart(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#cursor = null;
    this.#wanted = 0;
    void this.#load(true);
  }

  /** Makes sure that the rows up to `index` come. */
  need(index: number): void {
    this.#wanted = Math.max(this.#wanted, index + 1);
    if (!this.loading.value && !this.error.value) void this.#load(false);
  }

  retry(): void {
    this.error.value = null;
    if (this.rows.value === null) this.restart();
    else void this.#load(false);
  }

  /** The ids of all that fit, also of those that are not loaded; at most 10,000. */
  async everyId(): Promise<string[]> {
    const { ids } = await matchBenchmarks({ ...this.#query, limit: 10_000 }, this.#abort.signal);
    return ids;
  }

  /** Reads rows again, in their places. */
  changed(ids: Iterable<string>): void {
    for (const id of ids) this.#changed.add(id);
    this.#rereadSoon();
  }

  async #load(fromTop: boolean): Promise<void> {
    const { signal: aborted } = this.#abort;
    if (!fromTop && (this.#cursor === null || (this.rows.value?.length ?? 0) >= this.#wanted)) return;
    this.loading.value = true;
    try {
      const limit = fromTop ? FIRST_PAGE : NEXT_PAGE;
      const [page, matching] = await Promise.all([
        listBenchmarks({ ...this.#query, limit, cursor: this.#cursor }, aborted),
        fromTop ? matchBenchmarks({ ...this.#query, limit: 0 }, aborted) : null,
      ]);
      if (aborted.aborted) return;
      batch(() => {
        this.rows.value = fromTop ? page.items : appendPage(this.rows.value ?? [], page.items);
        this.#cursor = page.next_cursor ?? null;
        if (matching) this.total.value = matching.count;
        if (this.#cursor === null) this.total.value = this.rows.value.length;
        if (fromTop) this.arrived.value = new Set();
        this.error.value = null;
        this.loading.value = false;
      });
      await this.#load(false);
    } catch (reason) {
      if (aborted.aborted) return;
      batch(() => {
        this.error.value = asApiError(reason);
        this.loading.value = false;
      });
    }
  }

  #isShown(id: string): boolean {
    return this.rows.value?.some((row) => row.id === id) ?? false;
  }

  #onEvent(event: LiveEvent): void {
    const id = event.session_id;
    if (!id) return;
    if (event.topic === "benchmark.progress") {
      this.#progress.set(id, event.payload as unknown as Progress);
      this.#tick ??= setTimeout(() => this.#showProgress(), PROGRESS_EVERY_MS);
    } else if (event.topic === "benchmark.deleted") {
      this.#remove(new Set([id]));
    } else if (this.#isShown(id)) {
      this.changed([id]);
    } else {
      // It may be new, or fit only now that it has ended or has other tags.
      this.#created.add(id);
      this.#rereadSoon();
    }
  }

  #showProgress(): void {
    this.#tick = undefined;
    const news = this.#progress;
    this.#progress = new Map();
    if (this.rows.value) this.rows.value = withProgress(this.rows.value, news);
  }

  #onResume(): void {
    const rows = this.rows.value ?? [];
    this.changed(rows.filter((row) => !isOver(row.status)).map(({ id }) => id));
    this.changed(rows.slice(0, MOST_REREAD).map(({ id }) => id));
    void this.#countAgain();
  }

  /** After events were missed: what the top of the list has that is not shown. */
  async #countAgain(): Promise<void> {
    try {
      const page = await listBenchmarks({ ...this.#query, limit: FIRST_PAGE }, this.#abort.signal);
      this.#announce(page.items.map(({ id }) => id));
    } catch {
      // The connection went again; coming back asks again.
    }
  }

  #rereadSoon(): void {
    clearTimeout(this.#reread);
    this.#reread = setTimeout(() => void this.#readAgain(), REREAD_AFTER_MS);
  }

  async #readAgain(): Promise<void> {
    const { signal: aborted } = this.#abort;
    const changed = [...this.#changed];
    const created = [...this.#created];
    this.#changed.clear();
    this.#created.clear();
    try {
      for (const ids of chunks(changed, MOST_IDS)) {
        const { items } = await listBenchmarks({ id: ids, limit: MOST_IDS }, aborted);
        const found = new Set(items.map(({ id }) => id));
        const gone = new Set(ids.filter((id) => !found.has(id)));
        if (gone.size > 0) this.#remove(gone);
        if (this.rows.value) this.rows.value = replaced(this.rows.value, new Set(ids), items);
      }
      for (const ids of chunks(created, MOST_IDS)) {
        const { ids: fitting } = await matchBenchmarks({ ...this.#query, id: ids, limit: MOST_IDS }, aborted);
        this.#announce(fitting);
      }
    } catch (reason) {
      if (!aborted.aborted) this.error.value = asApiError(reason);
    }
  }

  #announce(ids: readonly string[]): void {
    const news = ids.filter((id) => !this.#isShown(id));
    if (news.length > 0) this.arrived.value = new Set([...this.arrived.value, ...news]);
  }

  #remove(gone: ReadonlySet<string>): void {
    const rows = this.rows.value;
    batch(() => {
      if (rows) {
        const left = rows.filter((row) => !gone.has(row.id));
        if (this.total.value !== null) this.total.value -= rows.length - left.length;
        if (left.length < rows.length) this.rows.value = left;
      }
      this.#forget(gone);
    });
  }

  #forget(gone: ReadonlySet<string>): void {
    if ([...gone].some((id) => this.arrived.value.has(id))) {
      this.arrived.value = new Set([...this.arrived.value].filter((id) => !gone.has(id)));
    }
    this.onGone(gone);
  }
}
