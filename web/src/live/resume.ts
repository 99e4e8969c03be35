/**
 * Which events have been told, so that a new connection can ask for the rest with `since`.
 *
 * While subscriptions are being answered, replayed and live events mix: the position moves on only when all are
 * acknowledged, and what was told beyond it is remembered, so that nothing is missed and nothing is told twice.
 */

import type { Position } from "./messages";

export class Resume {
  #known: Position | null = null;
  #newest: Position | null = null;
  #waiting = 0;
  readonly #beyond = new Set<string>();

  /** What to send as `since`. */
  get since(): Position | null {
    return this.#known;
  }

  /** A new connection: nothing that the last one left open will be answered. */
  connected(): void {
    this.#waiting = 0;
    this.#newest = null;
  }

  subscribed(): void {
    this.#waiting += 1;
  }

  acknowledged(position: Position | null): void {
    this.#waiting = Math.max(0, this.#waiting - 1);
    this.#see(position);
    this.#settle();
  }

  /** Whether the event is news. */
  take(position: Position | null): boolean {
    if (!position) return true;
    if (this.#known?.epoch === position.epoch && position.seq <= this.#known.seq) return false;
    const name = `${position.epoch}-${position.seq}`;
    if (this.#beyond.has(name)) return false;
    this.#beyond.add(name);
    this.#see(position);
    this.#settle();
    return true;
  }

  /** Events were missed: what comes next counts from here. */
  gap(position: Position | null): void {
    this.#beyond.clear();
    this.#newest = null;
    this.#known = this.#waiting ? null : position;
    this.#see(position);
  }

  forget(): void {
    this.gap(null);
    this.#waiting = 0;
  }

  #see(position: Position | null): void {
    if (position && (this.#newest?.epoch !== position.epoch || position.seq > this.#newest.seq)) {
      this.#newest = position;
    }
  }

  #settle(): void {
    if (this.#waiting || !this.#newest) return;
    this.#known = this.#newest;
    this.#beyond.clear();
  }
}
