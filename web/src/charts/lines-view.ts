/** What a chart of lines, steps and dots is told to show. */

import type { Scale } from "./scales";

export type Values = readonly (number | null)[];

export interface LineSeries {
  label: string;
  colour: number;
  kind: "line" | "step" | "dots";
  xs: readonly number[];
  ys: readonly number[];
  /** Of a band around the line. */
  lows?: Values;
  highs?: Values;
  /** Names of dots, for those who click on them. */
  ids?: readonly number[];
}

export interface LinesAxis {
  label: string;
  scale: Scale;
  write(value: number): string;
}

export interface LinesView {
  x: LinesAxis;
  y: LinesAxis;
  series: readonly LineSeries[];
}

/** Which value of each series lies at the cursor; of dots the nearest one, if one is near. */
export type Found = readonly (number | null)[];
