/** What a browser or program calls itself, in words that its user knows. Pure. */

// The first that fits counts: every browser also claims to be those that came before it.
const PROGRAMS: readonly [RegExp, string][] = [
  [/\bEdgA?\/(\d+)/, "Edge"],
  [/\bOPR\/(\d+)/, "Opera"],
  [/\bFirefox\/(\d+)/, "Firefox"],
  [/\bFxiOS\/(\d+)/, "Firefox"],
  [/\b(?:Headless)?Chrome\/(\d+)/, "Chrome"],
  [/\bCriOS\/(\d+)/, "Chrome"],
  [/\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//, "Safari"],
  [/^curl\/([\d.]+)/, "curl"],
  [/^llm-test-bench\/([\d.]+)/, "llm-test-bench"],
  [/^python-httpx\/([\d.]+)/, "a Python program (httpx)"],
];

const SYSTEMS: readonly [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bWindows NT\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** "Chrome 141 on Linux"; what is not known as it calls itself. */
export function describeDevice(userAgent: string): string {
  const text = userAgent.trim();
  if (text === "") return "unknown device";
  let program = "";
  for (const [pattern, name] of PROGRAMS) {
    const found = pattern.exec(text);
    if (!found) continue;
    program = `${name} ${found[1]}`;
    break;
  }
  const system = SYSTEMS.find(([pattern]) => pattern.test(text))?.[1];
  if (program && system) return `${program} on ${system}`;
  if (program) return program;
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** How someone proved who they are. */
export function describeMethod(method: string): string {
  if (method === "password") return "password";
  return method.startsWith("oidc:") ? method.slice("oidc:".length) : method;
}
