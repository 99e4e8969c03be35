/** Which series of a legend are hidden after a click; alt-click sees one alone, and again all of them. */

export function toggled(hidden: ReadonlySet<number>, index: number, length: number, isolate: boolean): Set<number> {
  const next = new Set(hidden);
  if (!isolate) {
    if (!next.delete(index)) next.add(index);
    return next;
  }
  const others = Array.from({ length }, (_, other) => other).filter((other) => other !== index);
  const isAlone = !hidden.has(index) && others.every((other) => hidden.has(other));
  return new Set(isAlone ? [] : others);
}
