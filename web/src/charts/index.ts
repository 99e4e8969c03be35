export { Chart } from "./Chart";
export { frames } from "./loop";
export { Ring } from "./ring";
export { Sparkline } from "./Sparkline";
export type { ChartSpec, SeriesSpec } from "./spec";
export { XyChart, type XyPoint, type XySeries } from "./XyChart";
