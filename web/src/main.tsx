import { render } from "preact";
import "./styles/tokens.css";
import "./styles/derived.css";
import "./styles/base.css";
import "./styles/print.css";
import { App } from "./app/App";
import { startRouter } from "./app/router";
import { resumeSession } from "./app/session";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");
startRouter();
void resumeSession();
render(<App />, root);
