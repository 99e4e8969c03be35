// Talks to a running server as a user of the npm package graphql-ws would; tests/graphql/test_graphql_ws.py runs it.
// Usage: node graphql-ws-check.mjs ws://127.0.0.1:8080/graphql TOKEN ID; prints one JSON document.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [, , url, token, id] = process.argv;
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${token}` },
  lazy: false,
  retryAttempts: 0,
  onNonLazyError: () => {},
});
const found = { query: null, progress: [], errors: null, refused: null };

for await (const message of client.iterate({ query: "{ me { username } }" })) found.query = message.data.me.username;
for await (const message of client.iterate({
  query: "subscription ($id: UUID!) { benchmarkProgress(id: $id) { status } }",
  variables: { id },
})) {
  found.progress.push(message.data.benchmarkProgress.status);
  if (found.progress.length === 1) console.error("following");
}
try {
  for await (const message of client.iterate({ query: "{ nothing }" })) found.errors = message.errors;
} catch (errors) {
  found.errors = errors;
}
await client.dispose();

await new Promise((resolve) => {
  const stranger = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { token: "guess" },
    retryAttempts: 0,
    shouldRetry: () => false,
  });
  stranger.subscribe(
    { query: "{ me { username } }" },
    {
      next: () => {},
      error: (event) => {
        found.refused = event.code;
        resolve();
      },
      complete: resolve,
    },
  );
});
console.log(JSON.stringify(found));
process.exit(0);
