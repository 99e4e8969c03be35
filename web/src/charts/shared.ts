/** What charts of one page share by their key: the stretch of the x axis that is zoomed to. */

import { type Signal, signal } from "@preact/signals";

export interface Range {
  readonly min: number;
  readonly max: number;
}

const zooms = new Map<string, Signal<Range | null>>();

/** The zoom of all charts with this key; null shows everything. */
export function zoomOf(key: string): Signal<Range | null> {
  let zoom = zooms.get(key);
  if (!zoom) {
    zoom = signal<Range | null>(null);
    zooms.set(key, zoom);
  }
  return zoom;
}

/** To be called when the page of these charts closes. */
export function forgetZoom(key: string): void {
  zooms.delete(key);
}

export function sameRange(one: Range | null, other: Range | null): boolean {
  return one?.min === other?.min && one?.max === other?.max;
}
