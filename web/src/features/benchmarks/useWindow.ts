/** Which rows are in sight, followed while somebody scrolls: no layout is read, and no element is made. */

import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { fill, inOrder, rangeInSight, type Slot } from "./virtual";

// Only once nobody scrolls any more are the elements put into the order of their rows: moving one costs a layout.
const SETTLED_AFTER_MS = 150;

interface Table {
  frame: RefObject<HTMLElement | null>;
  body: RefObject<HTMLElement | null>;
  /** In px. */
  rowHeight: number;
  total: number;
  /** At phone width the page scrolls, else the frame does. */
  isPhone: boolean;
  onSight: (to: number) => void;
}

/** The slots, and what looks again at once (after a scroll by the program). */
export function useWindow(table: Table): [Signal<readonly Slot[]>, () => void] {
  const { frame, body, rowHeight, total, isPhone } = table;
  const slots = useSignal<readonly Slot[]>([]);
  const height = useSignal(0);
  const onSight = useRef(table.onSight);
  onSight.current = table.onSight;

  const look = useCallback(() => {
    const scroller = frame.current;
    const inside = body.current;
    if (!scroller || !inside) return;
    const top = isPhone ? -inside.getBoundingClientRect().top : scroller.scrollTop;
    const seen = isPhone ? innerHeight : height.peek() || innerHeight;
    const range = rangeInSight(top, seen, rowHeight, total);
    const next = fill(slots.peek(), range, focusedIndex(inside, total));
    if (next !== slots.peek()) slots.value = next;
    onSight.current(range.to);
    // Cells stay in sight only where one has scrolled sideways: forty rows of such cells are a layer each.
    if (!isPhone) scroller.dataset.aside = String(scroller.scrollLeft > 0);
  }, [rowHeight, total, isPhone]);

  useLayoutEffect(look, [look]);

  useEffect(() => {
    const scroller = frame.current;
    if (!scroller) return;
    const scrolls: EventTarget = isPhone ? window : scroller;
    let settled: ReturnType<typeof setTimeout> | undefined;
    const onScroll = () => {
      look();
      clearTimeout(settled);
      settled = setTimeout(() => {
        const sorted = inOrder(slots.peek());
        if (sorted === slots.peek()) return;
        const focused = document.activeElement;
        slots.value = sorted;
        // An element that is moved loses the focus.
        requestAnimationFrame(() => {
          if (focused instanceof HTMLElement && focused.isConnected && document.activeElement === document.body)
            focused.focus({ preventScroll: true });
        });
      }, SETTLED_AFTER_MS);
    };
    // Where scrolling is, the browser asks once per frame.
    scrolls.addEventListener("scroll", onScroll, { passive: true });
    const observer = new ResizeObserver(() => {
      height.value = scroller.clientHeight;
      look();
    });
    observer.observe(scroller);
    return () => {
      clearTimeout(settled);
      scrolls.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  }, [look, isPhone]);

  return [slots, look];
}

/** The row that the focus is in: its element must stay, or the focus would be in another row. */
function focusedIndex(body: HTMLElement, total: number): number | null {
  const focused = document.activeElement;
  if (!focused || focused === document.body || !body.contains(focused)) return null;
  const index = Number(focused.closest<HTMLElement>(".list-row")?.dataset.index ?? Number.NaN);
  return index < total ? index : null;
}
