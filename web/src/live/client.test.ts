import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveClient, type Socket } from "./client";
import type { LiveEvent } from "./messages";

/** A socket whose other end is the test. */
class FakeSocket implements Socket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: { type: string; topics?: string[]; session_id?: string; token?: string }[] = [];

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message: object | string): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  types(): string[] {
    return this.sent.map((message) => message.type);
  }
}

const sockets: FakeSocket[] = [];
const renew = vi.fn(async () => true);
let token: string | null = "token";
let client: LiveClient;

function latest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no socket was opened");
  return socket;
}

const ACK = { type: "Ack", of: "Subscribe" };

function event(topic: string, session: string | null, payload: object = {}): object {
  return { type: "Event", topic, payload, timestamp: "2026-11-21T00:00:00Z", session_id: session };
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets.length = 0;
  token = "token";
  renew.mockReset().mockResolvedValue(true);
  client = new LiveClient({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    token: () => token,
    renew,
    random: () => 0.5,
  });
});

afterEach(() => {
  client.stop();
  vi.useRealTimers();
});

describe("LiveClient", () => {
  it("signs in first, then subscribes to everything asked for before", () => {
    client.subscribe({ topics: ["benchmark.*"], sessionId: "s1", onEvent: () => {} });
    client.start();
    latest().open();
    expect(latest().types()).toEqual(["Auth", "Subscribe", "Ping"]);
    expect(latest().sent[0]?.token).toBe("token");
    expect(latest().sent[1]).toEqual({ type: "Subscribe", topics: ["benchmark.*"], session_id: "s1" });
  });

  it("leaves signing in to the cookie when there is no token", () => {
    token = null;
    client.start();
    latest().open();
    expect(latest().types()).toEqual(["Ping"]);
  });

  it("gives events to those who asked for the topic and the session", () => {
    const heard: string[] = [];
    const note = (name: string) => (message: LiveEvent) => heard.push(`${name} ${message.topic}`);
    client.start();
    latest().open();
    client.subscribe({ topics: ["benchmark.*"], onEvent: note("all") });
    client.subscribe({ topics: ["benchmark.progress"], sessionId: "s1", onEvent: note("one") });
    latest().say(event("benchmark.progress", "s1"));
    latest().say(event("benchmark.progress", "s2"));
    latest().say(event("benchmark.completed", "s1"));
    latest().say(event("metrics.system", null));
    expect(heard).toEqual([
      "all benchmark.progress",
      "one benchmark.progress",
      "all benchmark.progress",
      "all benchmark.completed",
    ]);
  });

  it("unsubscribes only when nobody else wants the same", () => {
    client.start();
    latest().open();
    const first = client.subscribe({ topics: ["benchmark.*"], onEvent: () => {} });
    const second = client.subscribe({ topics: ["benchmark.*"], onEvent: () => {} });
    first();
    expect(latest().types()).not.toContain("Unsubscribe");
    second();
    second();
    expect(
      latest()
        .types()
        .filter((type) => type === "Unsubscribe"),
    ).toHaveLength(1);
  });

  it("comes back with growing pauses and says that it was away", () => {
    const resumed = vi.fn();
    client.subscribe({ topics: ["benchmark.*"], onEvent: () => {}, onResume: resumed });
    client.start();
    latest().open();
    latest().say(ACK);
    expect(client.connection.value.state).toBe("live");
    expect(resumed).not.toHaveBeenCalled();

    latest().cut();
    expect(client.connection.value.state).toBe("waiting");
    vi.advanceTimersByTime(499);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    latest().cut();
    vi.advanceTimersByTime(999);
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(1);
    latest().open();
    expect(latest().types()).toContain("Subscribe");
    latest().say(ACK);
    expect(resumed).toHaveBeenCalledTimes(1);
  });

  it("renews the session when the server does not know it any more", async () => {
    client.start();
    latest().open();
    latest().cut(4401);
    await vi.advanceTimersByTimeAsync(500);
    expect(renew).toHaveBeenCalledTimes(1);
    expect(sockets).toHaveLength(2);
  });

  it("stops when the session is over, and when it is refused", async () => {
    renew.mockResolvedValue(false);
    client.start();
    latest().cut(4401);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(client.connection.value.state).toBe("off");

    client.start();
    latest().cut(4403);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(2);
    expect(client.connection.value.state).toBe("refused");
  });

  it("measures the round trip, answers pings, and leaves a silent connection", () => {
    client.start();
    latest().open();
    vi.advanceTimersByTime(84);
    latest().say({ type: "Pong" });
    expect(client.connection.value.roundTripMs).toBeCloseTo(84, 0);
    latest().say({ type: "Ping" });
    expect(latest().types().at(-1)).toBe("Pong");

    const silent = latest();
    vi.advanceTimersByTime(16_500);
    expect(silent.readyState).toBe(3);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it("is not disturbed by messages that it does not know", () => {
    client.start();
    latest().open();
    for (const odd of ["", "{", "[]", "null", '{"type":"Event"}', '{"type":"Later"}']) latest().say(odd);
    expect(client.connection.value.state).toBe("connecting");
  });

  it("tries at once when asked to", () => {
    client.start();
    latest().cut();
    client.retryNow();
    expect(sockets).toHaveLength(2);
  });

  it("asks for what it missed instead of reading everything anew", () => {
    const seen: number[] = [];
    const onResume = vi.fn();
    client.subscribe({ topics: ["benchmark.*"], onEvent: (event) => seen.push(event.position?.seq ?? 0), onResume });
    client.start();
    latest().open();
    latest().say({ ...ACK, position: { epoch: "a", seq: 4 } });
    latest().say({ ...event("benchmark.created", null), epoch: "a", seq: 5 });
    latest().cut();
    vi.advanceTimersByTime(20_000);
    latest().open();
    const subscribe = latest().sent.find((message) => message.type === "Subscribe");
    expect(subscribe).toMatchObject({ since: { epoch: "a", seq: 5 } });
    latest().say({ ...event("benchmark.created", null), epoch: "a", seq: 5 });
    latest().say({ ...event("benchmark.created", null), epoch: "a", seq: 6 });
    latest().say({ ...ACK, position: { epoch: "a", seq: 6 }, replayed: 1 });
    expect(seen).toEqual([5, 6]);
    expect(onResume).not.toHaveBeenCalled();
  });

  it("has its users read anew when the server tells of a gap", () => {
    const onResume = vi.fn();
    client.subscribe({ topics: ["benchmark.*"], onEvent: () => {}, onResume });
    client.start();
    latest().open();
    latest().say({ ...ACK, position: { epoch: "a", seq: 4 } });
    latest().say({ type: "Gap", reason: "x", position: { epoch: "b", seq: 1 } });
    expect(onResume).toHaveBeenCalledTimes(1);
  });

  it("comes back after a restart when the server said so", () => {
    client.start();
    latest().open();
    latest().say({ type: "Restarting", reconnect_after_ms: 1_700 });
    latest().cut(1012);
    vi.advanceTimersByTime(1_699);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
  });

  it("spreads itself after a restart without advice", () => {
    client.start();
    latest().open();
    latest().say(ACK);
    latest().cut(1012);
    vi.advanceTimersByTime(1_749);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
  });
});
