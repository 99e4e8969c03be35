/** Instants: relative while younger than a day, else local; the full local time with its zone on hover. */

const DAY_MS = 86_400_000;

/** "just now", "12 min ago", "3 h ago", else "20 Nov 14:03" in local time, without the hour in other years. */
export function relative(iso: string, now: number): string {
  const at = Date.parse(iso);
  const old = now - at;
  if (old >= DAY_MS || old < -60_000) return local(at, now);
  if (old < 5_000) return "just now";
  if (old < 60_000) return `${Math.floor(old / 1000)} s ago`;
  if (old < 3_600_000) return `${Math.floor(old / 60_000)} min ago`;
  return `${Math.floor(old / 3_600_000)} h ago`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function local(at: number, now: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  if (date.getFullYear() !== new Date(now).getFullYear()) return `${day} ${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The full local time with seconds and zone. */
export function exact(iso: string): string {
  return new Date(iso).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "long",
  });
}
