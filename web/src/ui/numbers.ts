/** How every number is written: three significant figures, grouped thousands, a unit, and a word for "no number". */

/** Not measured (yet). */
export const MISSING = "—";
/** Cannot exist for this thing. */
export const NOT_APPLICABLE = "n/a";

export type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Three significant figures without an exponent; whole numbers from 1,000 on keep all their digits. */
export function significant(value: Maybe, digits = 3): string {
  if (!known(value)) return MISSING;
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const exponent = Math.floor(Math.log10(Math.abs(rounded)));
  if (exponent >= digits) return grouped(Math.round(value));
  return rounded.toFixed(Math.min(Math.max(digits - 1 - exponent, 0), 9));
}

// Kept, because making one for each number costs 30 µs, and a long table has thousands.
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const CENTS = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function grouped(value: number): string {
  return WHOLE.format(value);
}

/** A count of things: a whole number with grouped thousands. */
export function count(value: Maybe): string {
  return known(value) ? grouped(Math.round(value)) : MISSING;
}

/** A share of 1 as "0.00 %", "12.3 %", "100 %". */
export function percent(share: Maybe): string {
  if (!known(share)) return MISSING;
  const value = share * 100;
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} %`;
}

/** Dollars with three significant figures below one, cents above. An unknown price is unknown, not zero. */
export function dollars(value: Maybe): string {
  if (!known(value)) return MISSING;
  if (value === 0) return "$0";
  return value < 1 ? `$${significant(value)}` : `$${CENTS.format(value)}`;
}

export interface DurationScale {
  readonly unit: "µs" | "ms" | "s";
  /** What a value in milliseconds is multiplied by. */
  readonly factor: number;
}

const MICROSECONDS: DurationScale = { unit: "µs", factor: 1000 };
const MILLISECONDS: DurationScale = { unit: "ms", factor: 1 };
const SECONDS: DurationScale = { unit: "s", factor: 0.001 };

/** One unit for a whole panel of durations in ms, so that cells can be compared: the one that suits their geometric mean. */
export function durationScale(valuesMs: Iterable<Maybe>): DurationScale {
  let logs = 0;
  let n = 0;
  for (const value of valuesMs) {
    if (known(value) && value > 0) {
      logs += Math.log10(value);
      n += 1;
    }
  }
  if (n === 0) return MILLISECONDS;
  const mean = 10 ** (logs / n);
  if (mean < 1) return MICROSECONDS;
  return mean < 1000 ? MILLISECONDS : SECONDS;
}

/** A duration in ms without its unit, in the panel's scale. */
export function inScale(valueMs: Maybe, scale: DurationScale): string {
  return known(valueMs) ? significant(valueMs * scale.factor) : MISSING;
}

/** A duration in ms with its unit; in its own scale unless the panel's is given. */
export function duration(valueMs: Maybe, scale: DurationScale = durationScale([valueMs])): string {
  return known(valueMs) ? `${inScale(valueMs, scale)} ${scale.unit}` : MISSING;
}

/** Seconds as a clock: "0:41", "12:05", "1:02:03". */
export function clock(seconds: Maybe): string {
  if (!known(seconds)) return MISSING;
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** How old something is, in one unit: "4 s", "12 min", "3 h". */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

// As wide as a digit in the number font, and not dropped at the end of a cell as a plain space is.
const FILL = "\u00a0";

/** The texts of one column, filled on the right so that their decimal points stand under each other. */
export function alignDecimals(texts: readonly string[]): string[] {
  const tail = (text: string) => {
    const point = text.indexOf(".");
    return point < 0 ? 0 : text.length - point;
  };
  const longest = Math.max(0, ...texts.map(tail));
  return texts.map((text) => (/\d/.test(text) ? text + FILL.repeat(longest - tail(text)) : text));
}
