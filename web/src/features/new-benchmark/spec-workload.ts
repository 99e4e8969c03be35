/** The part `workload` of a spec out of the draft. */

import type { ChatTurn, MadeUpAudio, MadeUpImages, ThinkTime, TraceRequest, Workload } from "../../api/types";
import type { Draft, WorkloadDraft } from "./draft";
import { compact, lines, type Reader } from "./reader";

export function readWorkload(draft: Pick<Draft, "workload" | "traceFile">, reader: Reader): Workload {
  const { workload } = draft;
  const input = () => reader.length("workload.input_tokens", workload.inputTokens);
  const output = () => reader.length("workload.output_tokens", workload.outputTokens);
  const wordy = () => compact({ words_per_token: reader.number("workload.words_per_token", workload.wordsPerToken) });
  switch (workload.kind) {
    case "prompt":
      return { kind: "prompt", prompt: reader.text("workload.prompt", workload.prompt) };
    case "list":
      return { kind: "list", prompts: given("workload.prompts", workload.promptFile, workload.prompts, reader) };
    case "synthetic":
      return {
        kind: "synthetic",
        input_tokens: input(),
        output_tokens: output(),
        ...wordy(),
        ...madeUpMedia(workload, reader),
      };
    case "shared_prefix":
      return {
        kind: "shared_prefix",
        ...compact({ groups: reader.whole("workload.groups", workload.groups) }),
        prefix_tokens: reader.neededWhole("workload.prefix_tokens", workload.prefixTokens),
        input_tokens: input(),
        output_tokens: output(),
        ...compact({ uniqueness: reader.share("workload.uniqueness", workload.uniqueness) }),
        ...wordy(),
      };
    case "conversation":
      return {
        kind: "conversation",
        turns: reader.neededWhole("workload.turns", workload.turns),
        input_tokens: input(),
        output_tokens: output(),
        ...thinking(workload, reader),
        ...wordy(),
      };
    case "conversation_list":
      return {
        kind: "conversation_list",
        conversations: workload.conversationFile
          ? reader.field("workload.conversations", workload.conversationFile.items)
          : // The service judges what is in it.
            (reader.list("workload.conversations", workload.conversations) as ChatTurn[][]),
        ...thinking(workload, reader),
      };
    case "embeddings": {
      const batch = compact({ batch_size: reader.whole("workload.batch_size", workload.batchSize) });
      return workload.embedsTexts
        ? {
            kind: "embeddings",
            texts: given("workload.texts", workload.textFile, workload.texts, reader),
            ...batch,
          }
        : { kind: "embeddings", input_tokens: input(), ...batch, ...wordy() };
    }
    case "trace":
      return {
        kind: "trace",
        requests: draft.traceFile?.requests
          ? reader.field("workload.requests", draft.traceFile.requests)
          : (reader.list("workload.requests", workload.traceRequests) as TraceRequest[]),
        ...compact({ block_tokens: reader.whole("workload.block_tokens", workload.blockTokens) }),
        ...wordy(),
      };
  }
}

/** Nothing is sent for fields that are empty; a size without images says that images are missing. */
function madeUpMedia(workload: WorkloadDraft, reader: Reader): { images?: MadeUpImages; audio?: MadeUpAudio } {
  const size = compact({
    width: reader.whole("workload.images.width", workload.imageWidth),
    height: reader.whole("workload.images.height", workload.imageHeight),
  });
  const isSized = size !== undefined;
  const count = isSized
    ? reader.neededWhole("workload.images.count", workload.imageCount)
    : reader.whole("workload.images.count", workload.imageCount);
  const rate = reader.whole("workload.audio.sample_rate_hz", workload.audioRateHz);
  const seconds =
    rate === undefined
      ? reader.number("workload.audio.seconds", workload.audioSeconds)
      : reader.neededNumber("workload.audio.seconds", workload.audioSeconds);
  return {
    ...(count === undefined ? {} : { images: { count, ...size } }),
    ...(seconds === undefined ? {} : { audio: { seconds, ...compact({ sample_rate_hz: rate }) } }),
  };
}

/** What a file held, else the lines that were typed. */
function given<Item>(path: string, file: { items: Item[] } | null, text: string, reader: Reader): (Item | string)[] {
  if (file) return reader.field(path, file.items);
  const typed = lines(text);
  reader.field(path, typed);
  if (typed.length === 0) reader.missing[path] = "is needed: one a line, or a file";
  return typed;
}

function thinking(workload: WorkloadDraft, reader: Reader): { think_time?: ThinkTime } {
  const mean_seconds = reader.number("workload.think_time.mean_seconds", workload.thinkSeconds);
  if (mean_seconds === undefined) return {};
  const distribution = reader.field("workload.think_time.distribution", workload.thinkDistribution);
  return { think_time: { mean_seconds, ...(distribution === "fixed" ? {} : { distribution }) } };
}
