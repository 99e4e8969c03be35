/**
 * Instants: relative while younger than a day, else local; the full time with its zone on hover. Who prefers UTC to the
 * local zone gets it everywhere.
 */

import { signal } from "@preact/signals";

export type Zone = "local" | "utc";

/** In which zone times are written; whatever is drawn with them is drawn anew when it changes. */
export const zone = signal<Zone>("local");

const DAY_MS = 86_400_000;

/** "just now", "12 min ago", "3 h ago", else "20 Nov 14:03", without the hour in other years. */
export function relative(iso: string, now: number): string {
  const at = Date.parse(iso);
  const old = now - at;
  if (old >= DAY_MS || old < -60_000) return dated(at, now);
  if (old < 5_000) return "just now";
  if (old < 60_000) return `${Math.floor(old / 1000)} s ago`;
  if (old < 3_600_000) return `${Math.floor(old / 60_000)} min ago`;
  return `${Math.floor(old / 3_600_000)} h ago`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

interface Parts {
  year: number;
  month: number;
  day: number;
  hours: number;
  minutes: number;
  seconds: number;
}

function parts(at: number): Parts {
  const date = new Date(at);
  return zone.value === "utc"
    ? {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth(),
        day: date.getUTCDate(),
        hours: date.getUTCHours(),
        minutes: date.getUTCMinutes(),
        seconds: date.getUTCSeconds(),
      }
    : {
        year: date.getFullYear(),
        month: date.getMonth(),
        day: date.getDate(),
        hours: date.getHours(),
        minutes: date.getMinutes(),
        seconds: date.getSeconds(),
      };
}

const two = (value: number) => String(value).padStart(2, "0");

function dated(at: number, now: number): string {
  const { year, month, day, hours, minutes } = parts(at);
  if (year !== parts(now).year) return `${day} ${MONTHS[month]} ${year}`;
  return `${day} ${MONTHS[month]} ${two(hours)}:${two(minutes)}`;
}

/** The full time with seconds and zone. */
export function exact(iso: string): string {
  return new Date(iso).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "long",
    ...(zone.value === "utc" ? { timeZone: "UTC" } : {}),
  });
}

/** "2026-11-21 14:03:05", for lists in which every second counts. */
export function stamp(iso: string): string {
  const { year, month, day, hours, minutes, seconds } = parts(Date.parse(iso));
  return `${year}-${two(month + 1)}-${two(day)} ${two(hours)}:${two(minutes)}:${two(seconds)}`;
}

/** What a `datetime-local` field shows for an instant: "2026-11-21T14:03". */
export function toField(iso: string): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return "";
  const { year, month, day, hours, minutes } = parts(at);
  return `${String(year).padStart(4, "0")}-${two(month + 1)}-${two(day)}T${two(hours)}:${two(minutes)}`;
}

/** The instant that someone meant who typed this into such a field, or "" when it is none. */
export function fromField(text: string): string {
  const at = Date.parse(zone.value === "utc" ? `${text}Z` : text);
  return text && !Number.isNaN(at) ? new Date(at).toISOString() : "";
}

/** What to call the zone in which times are written. */
export function zoneName(): string {
  if (zone.value === "utc") return "UTC";
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
}
