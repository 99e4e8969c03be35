/** Keys in a chart do what the mouse does: they move its cursor. Pure. */

export interface Point {
  /** In CSS pixels inside the drawing. */
  left: number;
  top: number;
}

export interface Key {
  key: string;
  shiftKey: boolean;
}

const STEP_PX = 6;
const LEAP_PX = 48;
const LEAP_ROWS = 10;

/** Where the cursor of a drawing goes; null when it leaves, undefined when the key means nothing here. */
export function pointAfter({ key, shiftKey }: Key, at: Point | null, size: Point): Point | null | undefined {
  if (key === "Escape") return at === null ? undefined : null;
  const by = shiftKey ? LEAP_PX : STEP_PX;
  const { left, top } = at ?? { left: size.left / 2, top: size.top / 2 };
  const within = (x: number, y: number): Point => ({
    left: Math.min(size.left, Math.max(0, x)),
    top: Math.min(size.top, Math.max(0, y)),
  });
  switch (key) {
    case "ArrowLeft":
      return within(left - by, top);
    case "ArrowRight":
      return within(left + by, top);
    case "ArrowUp":
      return within(left, top - by);
    case "ArrowDown":
      return within(left, top + by);
    case "Home":
      return within(0, top);
    case "End":
      return within(size.left, top);
    default:
      return undefined;
  }
}

/** Which row of `first` to `last` the cursor goes to, from the newest where it was on none; as `pointAfter` else. */
export function rowAfter({ key, shiftKey }: Key, at: number | null, first: number, last: number) {
  if (key === "Escape") return at === null ? undefined : null;
  const by = shiftKey ? LEAP_ROWS : 1;
  const within = (row: number) => Math.min(last, Math.max(first, row));
  switch (key) {
    case "ArrowLeft":
      return at === null ? last : within(at - by);
    case "ArrowRight":
      return at === null ? first : within(at + by);
    case "Home":
      return first;
    case "End":
      return last;
    default:
      return undefined;
  }
}
