// A small explorer for /graphql: run operations, follow subscriptions, read the schema. No build, no library, because
// the content security policy allows only this server's own scripts, and an editor of megabytes is not needed for that.

const byId = (id) => document.getElementById(id);
const [query, variables, answer, status, token, docs] = ["query", "variables", "answer", "status", "token", "docs"].map(byId);
const EXAMPLE = `query Newest {
  benchmarks(first: 5) {
    nodes { id name status owner { username } headline { ttftP50Ms errorRate } }
    pageInfo { hasNextPage endCursor }
  }
}
`;
const INTROSPECTION = `{
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields { name description args { name description type { ...ref } } type { ...ref } }
      inputFields { name description type { ...ref } }
      enumValues { name description }
      possibleTypes { name }
    }
  }
}
fragment ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;
const SHOWN_MESSAGES = 50;
let types = new Map();
let stop = () => {};

const headers = () => ({
  "Content-Type": "application/json",
  ...(token.value ? { Authorization: `Bearer ${token.value}` } : {}),
});

async function post(body) {
  const response = await fetch("/graphql", { method: "POST", headers: headers(), body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

function show(value) {
  answer.textContent = JSON.stringify(value, null, 2);
}

function follow(body) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`, "graphql-transport-ws");
  const messages = [];
  const say = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => say({ type: "connection_init", payload: token.value ? { token: token.value } : {} });
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "connection_ack") say({ id: "1", type: "subscribe", payload: body });
    if (message.type === "ping") say({ type: "pong" });
    if (message.type === "next" || message.type === "error") {
      messages.unshift(message.payload);
      messages.length = Math.min(messages.length, SHOWN_MESSAGES);
      show(messages);
    }
    if (message.type === "complete" || message.type === "error") socket.close(1000);
  };
  socket.onclose = (event) => {
    status.textContent = event.code === 1000 ? "ended" : `closed: ${event.code} ${event.reason}`;
    byId("stop").disabled = true;
  };
  stop = () => socket.close(1000);
  byId("stop").disabled = false;
  status.textContent = "following …";
}

async function run() {
  stop();
  answer.textContent = "";
  const body = { query: query.value };
  try {
    if (variables.value.trim()) body.variables = JSON.parse(variables.value);
  } catch (error) {
    status.textContent = `the variables are not JSON: ${error.message}`;
    return;
  }
  localStorage.setItem("graphql-query", query.value);
  localStorage.setItem("graphql-variables", variables.value);
  if (/^\s*subscription\b/m.test(query.value.replace(/#.*$/gm, ""))) {
    follow(body);
    return;
  }
  status.textContent = "…";
  const began = performance.now();
  try {
    const found = await post(body);
    show(found.body);
    status.textContent = `HTTP ${found.status}, ${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    status.textContent = `no answer: ${error.message}`;
  }
}

const nameOf = (type) => (type.name ? type.name : nameOf(type.ofType));
const spelled = (type) =>
  type.kind === "NON_NULL" ? `${spelled(type.ofType)}!` : type.kind === "LIST" ? `[${spelled(type.ofType)}]` : type.name;

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function link(type) {
  const made = element("button", spelled(type));
  made.onclick = () => showType(nameOf(type));
  return made;
}

function entry(field) {
  const args = (field.args ?? []).map((arg) => `${arg.name}: ${spelled(arg.type)}`).join(", ");
  const title = element("dt", `${field.name}${args ? `(${args})` : ""}${field.type ? ": " : ""}`);
  if (field.type) title.append(link(field.type));
  return [title, element("dd", field.description)];
}

function showType(name) {
  const type = types.get(name);
  if (!type) return;
  const roots = element("p");
  for (const root of ["Query", "Mutation", "Subscription"]) {
    if (types.has(root)) roots.append(link({ name: root }), " ");
  }
  const fields = [...(type.fields ?? []), ...(type.inputFields ?? []), ...(type.enumValues ?? [])];
  const members = (type.possibleTypes ?? []).map((member) => ({ name: member.name, type: member }));
  docs.replaceChildren(
    roots,
    element("h2", name),
    element("p", type.description),
    element("dl", "", ...[...fields, ...members].flatMap(entry)),
  );
}

function search(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) {
    showType("Query");
    return;
  }
  const found = [];
  for (const type of types.values()) {
    if (type.name.startsWith("__")) continue;
    if (type.name.toLowerCase().includes(wanted)) found.push(...entry({ name: "", description: type.description, type }));
    for (const field of type.fields ?? type.inputFields ?? []) {
      if (field.name.toLowerCase().includes(wanted)) {
        found.push(...entry({ name: `${type.name}.${field.name}`, description: field.description, type: field.type }));
      }
    }
  }
  docs.replaceChildren(element("dl", "", ...found.slice(0, 200)));
}

async function readSchema() {
  const found = await post({ query: INTROSPECTION });
  if (!found.body.data) {
    docs.replaceChildren(element("p", found.body.errors?.[0]?.message ?? "the schema cannot be read"));
    return;
  }
  types = new Map(found.body.data.__schema.types.map((type) => [type.name, type]));
  showType("Query");
}

query.value = localStorage.getItem("graphql-query") ?? EXAMPLE;
variables.value = localStorage.getItem("graphql-variables") ?? "";
byId("run").onclick = run;
byId("stop").onclick = () => stop();
byId("search").oninput = (event) => search(event.target.value);
token.onchange = readSchema;
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") run();
});
readSchema().catch((error) => docs.replaceChildren(element("p", error.message)));
