/** The messages of the WebSocket `/ws`, and a parser that trusts nothing. */

export type ClientMessage =
  | { type: "Auth"; token: string }
  | { type: "Subscribe"; topics: string[]; session_id?: string; since?: Position }
  | { type: "Unsubscribe"; topics: string[]; session_id?: string }
  | { type: "Ping" }
  | { type: "Pong" };

/** A place in the order of all events; another epoch is another order. */
export interface Position {
  epoch: string;
  seq: number;
}

export interface LiveEvent {
  type: "Event";
  topic: string;
  payload: Record<string, unknown>;
  timestamp: string;
  session_id: string | null;
  position: Position | null;
}

export type ServerMessage =
  | LiveEvent
  | { type: "Ack"; of: string; position: Position | null }
  | { type: "Gap"; position: Position | null }
  | { type: "Dropped"; count: number }
  | { type: "Restarting"; reconnectAfterMs: number }
  | { type: "Ping" }
  | { type: "Pong" }
  | { type: "Error"; code: string; message: string };

/** Close codes with a meaning of their own. */
export const UNAUTHENTICATED = 4401;
export const FORBIDDEN = 4403;
export const RESTARTING = 1012;

function positionOf(value: unknown): Position | null {
  if (typeof value !== "object" || value === null) return null;
  const { epoch, seq } = value as Record<string, unknown>;
  return typeof epoch === "string" && epoch && Number.isSafeInteger(seq) ? { epoch, seq: seq as number } : null;
}

export function parseMessage(data: unknown): ServerMessage | null {
  if (typeof data !== "string") return null;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const message = value as Record<string, unknown>;
  switch (message.type) {
    case "Event":
      if (typeof message.topic !== "string" || typeof message.payload !== "object" || message.payload === null) {
        return null;
      }
      return {
        type: "Event",
        topic: message.topic,
        payload: message.payload as Record<string, unknown>,
        timestamp: String(message.timestamp ?? ""),
        session_id: typeof message.session_id === "string" ? message.session_id : null,
        position: positionOf(message),
      };
    case "Ack":
      return { type: "Ack", of: String(message.of ?? ""), position: positionOf(message.position) };
    case "Gap":
      return { type: "Gap", position: positionOf(message.position) };
    case "Dropped":
      return { type: "Dropped", count: Number(message.count) || 0 };
    case "Restarting":
      return { type: "Restarting", reconnectAfterMs: Number(message.reconnect_after_ms) || 0 };
    case "Ping":
    case "Pong":
      return { type: message.type };
    case "Error":
      return { type: "Error", code: String(message.code ?? ""), message: String(message.message ?? "") };
    default:
      return null;
  }
}

/** Whether `pattern` (a topic, or a family such as `benchmark.*`) covers `topic`. */
export function covers(pattern: string, topic: string): boolean {
  return pattern.endsWith(".*") ? topic.startsWith(pattern.slice(0, -1)) : pattern === topic;
}
