import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** How wide an element is, in px, and what it becomes. */
export function useRoom(element: RefObject<HTMLElement | null>): number {
  const [room, setRoom] = useState(() => document.documentElement.clientWidth);
  useLayoutEffect(() => {
    const found = element.current;
    if (!found) return;
    const follow = () => setRoom(found.clientWidth);
    follow();
    const observer = new ResizeObserver(follow);
    observer.observe(found);
    return () => observer.disconnect();
  }, []);
  return room;
}
