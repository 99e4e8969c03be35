/** The dashboard's one live connection. */

import { renewSession } from "../api/client";
import { tokens } from "../api/session";
import { LiveClient, type Socket } from "./client";

function address(): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/ws`;
}

export const live = new LiveClient({
  open: () => new WebSocket(address()) as Socket,
  token: () => tokens.token,
  renew: renewSession,
});

addEventListener("online", () => live.retryNow());
