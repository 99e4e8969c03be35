import { describe, expect, it } from "vitest";
import { parseCsv } from "./csv";
import { parseConversations, parsePrompts, parseTexts } from "./prompt-files";
import { parseTrace } from "./trace-files";

const HELLO = { role: "user", content: "Hello" };

describe("csv", () => {
  it.each([
    [
      "a,b\r\n1,2\r\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ['"a ""q""","x,\ny"\n', [['a "q"', "x,\ny"]]],
    ["\uFEFFa\n\n\rb", [["a"], ["b"]]],
    [",\n", [["", ""]]],
    ["", []],
    ['a"b,c', [['a"b', "c"]]],
  ])("reads %j", (text, rows) => expect(parseCsv(text)).toEqual(rows));

  it("refuses a quote without an end", () => expect(() => parseCsv('"a')).toThrow("does not end"));
});

describe("parsePrompts", () => {
  it.each<[string, string, unknown[]]>([
    ["p.txt", "one\r\n\n two \n", ["one", "two"]],
    [
      "p.jsonl",
      '"a"\n{"prompt": "b", "output_tokens": 9}\n\n{"text": "c"}',
      ["a", { prompt: "b", output_tokens: 9 }, "c"],
    ],
    ["p.json", '["a", {"question": "b"}]', ["a", "b"]],
    ["p.json", '{"prompts": ["a"]}', ["a"]],
    ["p.csv", 'prompt,max_tokens\n"a, b",5\nc,\n', [{ prompt: "a, b", output_tokens: 5 }, "c"]],
    ["p.csv", "first\nsecond", ["first", "second"]],
    ["p.jsonl", '{"messages": [{"role": "user", "content": "Hello"}]}', [{ messages: [HELLO] }]],
    [
      "sharegpt.json",
      '[{"conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi"}]}]',
      [{ messages: [HELLO] }],
    ],
  ])("reads %s %j", (name, text, prompts) => expect(parsePrompts(name, text)).toEqual(prompts));

  it.each([
    ["p.txt", " \n", "holds no prompts"],
    ["p.jsonl", '"a"\n{', "line 2 is not JSON"],
    ["p.json", "{", "is not JSON"],
    ["p.json", '{"a": 1}', "must hold a JSON list"],
    ["p.json", "[1]", "entry 1 is no object"],
    ["p.json", '[{"foo": 1}]', "entry 1 has none of prompt"],
    ["p.json", '["a", ""]', "entry 2 is empty"],
    ["p.csv", "a,b\n1,2", "has no column “prompt”"],
    ["p.json", '[{"messages": [{"role": "robot", "content": "x"}]}]', "no role that is known"],
  ])("says what is wrong with %s %j", (name, text, message) => expect(() => parsePrompts(name, text)).toThrow(message));

  it("takes no conversations as texts", () => {
    expect(parseTexts("t.txt", "a")).toEqual(["a"]);
    expect(() => parseTexts("t.json", '[{"messages": [{"role": "user", "content": "x"}]}]')).toThrow("entry 1");
  });
});

describe("parseConversations", () => {
  it.each([
    ["c.json", '[[{"role": "user", "content": "Hello"}]]'],
    ["c.jsonl", '{"messages": [{"role": "user", "content": "Hello"}]}'],
    ["c.json", '[{"conversations": [{"from": "human", "value": "Hello"}]}]'],
  ])("reads %s %j", (name, text) => expect(parseConversations(name, text)).toEqual([[HELLO]]));

  it.each([
    ["c.csv", "a", "cannot hold conversations"],
    ["c.txt", "a", ".json or .jsonl"],
    ["c.json", '[{"prompt": "a"}]', "neither"],
    ["c.json", '[[{"role": "assistant", "content": "a"}]]', "no message of the user"],
  ])("says what is wrong with %s %j", (name, text, message) =>
    expect(() => parseConversations(name, text)).toThrow(message),
  );
});

describe("parseTrace", () => {
  it("reads the Azure trace, whose times are finer than Date's", () => {
    const trace = parseTrace(
      "azure.csv",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n",
    );
    expect(trace.atSeconds).toEqual([0, 4.314579]);
    expect(trace.requests).toEqual([
      { input_tokens: 374, output_tokens: 44 },
      { input_tokens: 396, output_tokens: 109 },
    ]);
  });

  it("reads BurstGPT, in order of time, with at least one token each", () => {
    const trace = parseTrace(
      "burst.csv",
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n45,GPT-4,10,0,10,API log\n5,ChatGPT,472,18,490,Conversation log\n",
    );
    expect(trace.atSeconds).toEqual([0, 40]);
    expect(trace.requests).toEqual([
      { input_tokens: 472, output_tokens: 18 },
      { input_tokens: 10, output_tokens: 1 },
    ]);
  });

  it("reads Mooncake, with its blocks", () => {
    const trace = parseTrace(
      "mooncake.jsonl",
      '{"timestamp": 3000, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}\n{"timestamp": 3500, "input_length": 5, "output_length": 6, "hash_ids": []}',
    );
    expect(trace.atSeconds).toEqual([0, 0.5]);
    expect(trace.requests?.[0]).toEqual({ input_tokens: 6758, output_tokens: 500, blocks: [0, 1] });
  });

  it("reads times alone", () => {
    expect(parseTrace("t.csv", "timestamp\n1\n1.5")).toEqual({ name: "t.csv", atSeconds: [0, 0.5], requests: null });
    expect(parseTrace("t.json", '{"at_seconds": [0, 2]}')).toEqual({
      name: "t.json",
      atSeconds: [0, 2],
      requests: null,
    });
  });

  it.each([
    ["t.csv", "a,b\n1,2", "no column “timestamp”"],
    ["t.csv", "timestamp\nyesterday", "row 2 has no time"],
    ["t.jsonl", "{}", "line 1 has no “timestamp”"],
    ["t.csv", "timestamp\n", "holds no requests"],
    ["t.json", '{"a": 1}', "at_seconds"],
  ])("says what is wrong with %s %j", (name, text, message) => expect(() => parseTrace(name, text)).toThrow(message));
});
