/** The parts `load` and `explore` of a spec out of the draft. */

import type { Explore, Load } from "../../api/types";
import type { Draft, ExploreDraft, LoadDraft, TraceFile } from "./draft";
import { compact, type Reader } from "./reader";

export type Parameter = Explore["parameter"];

/** What a sweep or search can vary of a load of this kind; null when there is nothing. */
export function parameterOf(kind: Load["kind"]): Parameter | null {
  if (kind === "closed") return "concurrency";
  return kind === "constant" || kind === "poisson" || kind === "gamma" ? "rate" : null;
}

/** Whether the level of the load is the exploration's business. */
export function isExplored({ load, explore }: Pick<Draft, "load" | "explore">): boolean {
  return explore.kind !== "none" && parameterOf(load.kind) !== null;
}

export function readLoad(draft: Pick<Draft, "load" | "traceFile">, explore: Explore | undefined, reader: Reader): Load {
  const { load } = draft;
  const first = explore && firstLevel(explore);
  const concurrency = () => first ?? reader.neededWhole("load.concurrency", load.concurrency);
  const rate = () => first ?? reader.neededNumber("load.rate", load.rate);
  const capped = () => compact({ max_in_flight: reader.whole("load.max_in_flight", load.maxInFlight) });
  switch (load.kind) {
    case "closed":
      return {
        kind: "closed",
        concurrency: concurrency(),
        ...compact({ ramp_up_seconds: reader.number("load.ramp_up_seconds", load.rampUpSeconds) }),
      };
    case "closed_steps":
      return {
        kind: "closed_steps",
        steps: reader.field("load.steps", load.userSteps).map((step, index) => ({
          concurrency: reader.neededWhole(`load.steps.${index}.concurrency`, step.level),
          seconds: reader.neededNumber(`load.steps.${index}.seconds`, step.seconds),
        })),
      };
    case "constant":
    case "poisson":
      return { kind: load.kind, rate: rate(), ...capped() };
    case "gamma":
      return {
        kind: "gamma",
        rate: rate(),
        burstiness: reader.neededNumber("load.burstiness", load.burstiness),
        ...capped(),
      };
    case "ramp":
      return {
        kind: "ramp",
        from_rate: reader.neededNumber("load.from_rate", load.fromRate),
        to_rate: reader.neededNumber("load.to_rate", load.toRate),
        seconds: reader.neededNumber("load.seconds", load.rampSeconds),
        ...(reader.field("load.curve", load.curve) === "linear" ? {} : { curve: load.curve }),
        ...arrivals(load, reader),
        ...capped(),
      };
    case "steps":
      return {
        kind: "steps",
        steps: reader.field("load.steps", load.rateSteps).map((step, index) => ({
          rate: reader.neededNumber(`load.steps.${index}.rate`, step.level),
          seconds: reader.neededNumber(`load.steps.${index}.seconds`, step.seconds),
        })),
        ...arrivals(load, reader),
        ...capped(),
      };
    case "spike":
      return {
        kind: "spike",
        rate: reader.neededNumber("load.rate", load.rate),
        spike_rate: reader.neededNumber("load.spike_rate", load.spikeRate),
        spike_at_seconds: reader.neededNumber("load.spike_at_seconds", load.spikeAtSeconds),
        spike_seconds: reader.neededNumber("load.spike_seconds", load.spikeSeconds),
        ...arrivals(load, reader),
        ...capped(),
      };
    case "trace":
      return {
        kind: "trace",
        at_seconds: arrivalTimes(load, draft.traceFile, reader),
        ...compact({ speed: reader.number("load.speed", load.speed) }),
        ...capped(),
      };
  }
}

function arrivals(load: LoadDraft, reader: Reader): { arrival?: LoadDraft["arrival"]; burstiness?: number } {
  const arrival = reader.field("load.arrival", load.arrival);
  if (arrival !== "gamma") return arrival === "poisson" ? {} : { arrival };
  return { arrival, burstiness: reader.neededNumber("load.burstiness", load.burstiness) };
}

function arrivalTimes(load: LoadDraft, file: TraceFile | null, reader: Reader): number[] {
  if (file) return reader.field("load.at_seconds", file.atSeconds);
  return reader.numbers("load.at_seconds", load.atSeconds.replaceAll(/[[\]]/g, " "));
}

/** The exploration, or undefined when the load has nothing that could be varied. */
export function readExplore({ load, explore }: Draft, reader: Reader): Explore | undefined {
  const parameter = parameterOf(load.kind);
  if (explore.kind === "none" || parameter === null) return undefined;
  reader.field("explore", explore);
  if (explore.kind === "sweep") {
    return { kind: "sweep", parameter, values: reader.numbers("explore.values", explore.values) };
  }
  return readSearch(explore, parameter, reader);
}

function readSearch(explore: ExploreDraft, parameter: Parameter, reader: Reader): Explore {
  const criteria = reader.field("explore.criteria", explore.criteria).map((criterion, index) => ({
    metric: reader.field(`explore.criteria.${index}.metric`, criterion.metric),
    ...compact({ percentile: reader.number(`explore.criteria.${index}.percentile`, criterion.percentile) }),
    limit_ms: reader.neededNumber(`explore.criteria.${index}.limit_ms`, criterion.limitMs),
  }));
  const maxErrorRate = reader.share("explore.max_error_rate", explore.maxErrorPercent);
  if (criteria.length === 0 && maxErrorRate === undefined && !reader.problems["explore.max_error_rate"]) {
    reader.missing["explore.max_error_rate"] = "give a limit here, or add one above";
  }
  return {
    kind: "search",
    parameter,
    minimum: reader.neededNumber("explore.minimum", explore.minimum),
    maximum: reader.neededNumber("explore.maximum", explore.maximum),
    ...(criteria.length > 0 ? { criteria } : {}),
    ...compact({
      max_error_rate: maxErrorRate,
      confidence: reader.share("explore.confidence", explore.confidencePercent),
      tolerance: reader.share("explore.tolerance", explore.tolerancePercent),
      max_points: reader.whole("explore.max_points", explore.maxPoints),
    }),
  };
}

/** The level that the load carries while an exploration puts others in its place: the first, as `bench` has it. */
function firstLevel(explore: Explore): number {
  return (explore.kind === "sweep" ? explore.values[0] : explore.minimum) || 1;
}
