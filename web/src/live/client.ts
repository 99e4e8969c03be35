/**
 * One WebSocket for the whole dashboard: signs in, subscribes, answers pings, notices silence, and comes back by itself
 * after every cut. What was missed meanwhile is told again by the server; where it cannot, users are told to fetch it.
 */

import { type ReadonlySignal, signal } from "@preact/signals";
import { backoff } from "./backoff";
import {
  type ClientMessage,
  covers,
  FORBIDDEN,
  type LiveEvent,
  type Position,
  parseMessage,
  RESTARTING,
  type ServerMessage,
  UNAUTHENTICATED,
} from "./messages";
import { Resume } from "./resume";

const PING_EVERY_MS = 4_000;
// Three pings without any answer: the connection is dead even if the browser has not noticed.
const SILENCE_MS = 12_000;
const OPEN = 1;
const TOLD_MS = 500;
// All clients of a server that restarts come back at once unless each waits another time.
const RESTART_SPREAD_MS = 3_000;

/** What the client needs of a WebSocket; tests give it a fake one. */
export interface Socket {
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(data: string): void;
  close(): void;
}

export interface LiveOptions {
  open: () => Socket;
  /** The access token, or null when only the cookie can speak for the user. */
  token: () => string | null;
  /** Renews the session; false when it is over. */
  renew: () => Promise<boolean>;
  random?: () => number;
}

export interface Connection {
  readonly state: "off" | "connecting" | "live" | "waiting" | "refused";
  /** When the last message came, ms since the epoch; 0 before the first. */
  readonly heardAt: number;
  readonly roundTripMs: number | null;
}

export interface Subscription {
  topics: readonly string[];
  sessionId?: string;
  onEvent: (event: LiveEvent) => void;
  /** Events were missed and will not be told again: read the state anew. */
  onResume?: () => void;
}

const OFF: Connection = { state: "off", heardAt: 0, roundTripMs: null };

export class LiveClient {
  readonly #options: LiveOptions;
  readonly #connection = signal<Connection>(OFF);
  readonly #subscriptions = new Set<Subscription>();
  #socket: Socket | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pulse: ReturnType<typeof setInterval> | undefined;
  #failures = 0;
  #pingSentAt = 0;
  #heardAt = 0;
  #wasLive = false;
  #advisedMs: number | null = null;
  readonly #resume = new Resume();

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get connection(): ReadonlySignal<Connection> {
    return this.#connection;
  }

  start(): void {
    if (this.#socket || this.#retry) return;
    this.#connect();
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#drop();
    this.#failures = 0;
    this.#wasLive = false;
    this.#resume.forget();
    this.#heardAt = 0;
    this.#connection.value = OFF;
  }

  /** Says who one is again, with a fresh token, so that the server does not end the connection with the old one. */
  authenticate(): void {
    const token = this.#options.token();
    if (token) this.#send({ type: "Auth", token });
  }

  /** Tries at once instead of waiting out the pause (the network is back, someone pressed the button). */
  retryNow(): void {
    if (!this.#retry) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  /** Delivers matching events until the returned function is called. */
  subscribe(subscription: Subscription): () => void {
    this.#subscriptions.add(subscription);
    if (this.#send(request("Subscribe", subscription))) this.#resume.subscribed();
    return () => {
      if (!this.#subscriptions.delete(subscription)) return;
      const stillWanted = [...this.#subscriptions].some((other) => sameInterest(other, subscription));
      if (!stillWanted) this.#send(request("Unsubscribe", subscription));
    };
  }

  #connect(): void {
    this.#retry = undefined;
    this.#set({ state: "connecting" });
    const socket = this.#options.open();
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => void this.#closed(socket, event.code);
  }

  #opened(): void {
    this.authenticate();
    this.#resume.connected();
    const since = this.#resume.since;
    for (const subscription of this.#subscriptions) {
      if (this.#send(request("Subscribe", subscription, since))) this.#resume.subscribed();
    }
    this.#ping();
    this.#pulse = setInterval(() => this.#beat(), PING_EVERY_MS);
  }

  #beat(): void {
    if (this.#heardAt && Date.now() - this.#heardAt > SILENCE_MS) {
      const socket = this.#socket;
      if (socket) void this.#closed(socket, 1006);
    } else {
      this.#ping();
    }
  }

  #ping(): void {
    this.#pingSentAt = performance.now();
    this.#send({ type: "Ping" });
  }

  #heard(data: unknown): void {
    const message = parseMessage(data);
    if (!message) return;
    const roundTripMs =
      message.type === "Pong" ? performance.now() - this.#pingSentAt : this.#connection.value.roundTripMs;
    const isBack = this.#wasLive && this.#connection.value.state !== "live";
    this.#failures = 0;
    this.#wasLive = true;
    this.#heardAt = Date.now();
    const shown = this.#connection.peek();
    // A busy run says something ten times a second; who shows the age of the data counts it in seconds.
    const isOld =
      shown.state !== "live" || shown.roundTripMs !== roundTripMs || this.#heardAt - shown.heardAt > TOLD_MS;
    if (isOld) this.#set({ state: "live", heardAt: this.#heardAt, roundTripMs });
    if (isBack && !this.#resume.since) this.#readAnew();
    this.#act(message);
  }

  #act(message: ServerMessage): void {
    if (message.type === "Ping") this.#send({ type: "Pong" });
    if (message.type === "Restarting") this.#advisedMs = message.reconnectAfterMs;
    if (message.type === "Ack" && message.of === "Subscribe") this.#resume.acknowledged(message.position);
    if (message.type === "Event" && this.#resume.take(message.position)) this.#deliver(message);
    if (message.type === "Gap") {
      this.#resume.gap(message.position);
      this.#readAnew();
    }
  }

  #readAnew(): void {
    for (const subscription of [...this.#subscriptions]) subscription.onResume?.();
  }

  #deliver(event: LiveEvent): void {
    for (const subscription of [...this.#subscriptions]) {
      if (subscription.sessionId && event.session_id !== subscription.sessionId) continue;
      if (subscription.topics.some((topic) => covers(topic, event.topic))) subscription.onEvent(event);
    }
  }

  async #closed(socket: Socket, code: number): Promise<void> {
    if (socket !== this.#socket) return;
    this.#drop();
    if (code === FORBIDDEN) {
      this.#set({ state: "refused" });
      return;
    }
    const wait = this.#pause(code);
    this.#failures += 1;
    this.#set({ state: "waiting" });
    this.#retry = setTimeout(() => this.#connect(), wait);
    if (code !== UNAUTHENTICATED) return;
    try {
      if (!(await this.#options.renew())) this.stop();
    } catch {
      // The service is away; the next try comes after the pause anyway.
    }
  }

  #pause(code: number): number {
    const advised = this.#advisedMs;
    this.#advisedMs = null;
    if (code !== RESTARTING || this.#failures) return backoff(this.#failures, this.#options.random);
    return advised ?? Math.round(250 + RESTART_SPREAD_MS * (this.#options.random ?? Math.random)());
  }

  #drop(): void {
    clearInterval(this.#pulse);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #send(message: ClientMessage): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #set(change: Partial<Connection>): void {
    this.#connection.value = { ...this.#connection.value, ...change };
  }
}

function request(
  type: "Subscribe" | "Unsubscribe",
  subscription: Subscription,
  since: Position | null = null,
): ClientMessage {
  const topics = [...subscription.topics];
  const about = subscription.sessionId ? { topics, session_id: subscription.sessionId } : { topics };
  return type === "Subscribe" && since ? { type, ...about, since } : { type, ...about };
}

function sameInterest(one: Subscription, other: Subscription): boolean {
  return one.sessionId === other.sessionId && one.topics.join() === other.topics.join();
}
