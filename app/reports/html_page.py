"""The frame of an HTML report: one file that opens offline, makes no request and runs no script.

Everything between tags goes through `text`, so that names, errors and prompts are shown and never run; the content
security policy inside forbids scripts and addresses as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import orjson

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
MISSING = "\u2014"

_STYLE = """
:root{color-scheme:light dark;--bg:#fbfbfa;--panel:#fff;--border:#e4e4e0;--text:#1b1d1f;--muted:#5f656b;
--accent:#2457d6;--ok:#17714a;--warn:#8f5c10;--bad:#b03328;--band:#eef2fc;
--c0:#2457d6;--c1:#d1495b;--c2:#2a9d6f;--c3:#b87a08;--c4:#7a4fbf;--c5:#0f8ea6;--c6:#8a6d3b;--c7:#5b6470}
@media (prefers-color-scheme:dark){:root{--bg:#111315;--panel:#191c1f;--border:#2a2e33;--text:#e8e9ea;--muted:#9299a1;
--accent:#7aa2ff;--ok:#4cc38a;--warn:#e0a84a;--bad:#ef7d72;--band:#1c2536;
--c0:#7aa2ff;--c1:#f0808e;--c2:#57c79a;--c3:#e0a84a;--c4:#b394ec;--c5:#4fc1d6;--c6:#c9a86a;--c7:#9aa5b1}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--text);font:13px/1.45 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 16px}h1{font-size:20px;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:15px;margin:0 0 8px}p{margin:0 0 6px}.muted{color:var(--muted)}.small{font-size:12px}
section,.card{background:var(--panel);border:1px solid var(--border);border-radius:6px;padding:12px;margin:8px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:8px;margin:8px 0}.card{margin:0}
.card b{display:block;font:20px/1.3 ui-monospace,monospace;font-weight:400}.card span{color:var(--muted);font-size:12px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:12px}
th,td{padding:4px 8px;border-bottom:1px solid var(--border);text-align:left;vertical-align:top}
thead th{color:var(--muted);font-weight:500}tbody th{font-weight:500}tr:last-child>*{border-bottom:0}
td.n{text-align:right;font-family:ui-monospace,monospace;font-variant-numeric:tabular-nums;white-space:nowrap}
th.n{text-align:right}td .ci{display:block;color:var(--muted);font-size:11px}td.wide{overflow-wrap:anywhere}
.steady td,.steady th{background:var(--band)}ul{margin:0;padding-left:18px}li{margin:2px 0;overflow-wrap:anywhere}
.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}.charts{display:grid;gap:8px;
grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr))}
.chart{margin:0;background:var(--panel);
border:1px solid var(--border);border-radius:6px;padding:12px;break-inside:avoid}
.chart figcaption{display:flex;justify-content:space-between;gap:12px}.chart>svg{display:block;width:100%;height:auto}
.keys{display:flex;flex-wrap:wrap;gap:2px 14px;margin:4px 0;color:var(--muted);font-size:12px}
.key svg{margin-right:5px;vertical-align:2px}.grid{stroke:var(--border)}.band{fill:var(--band)}
.tick,.axis{fill:var(--muted);font:11px system-ui,sans-serif}.line{fill:none;stroke-width:1.75}
.forest{display:block}.forest .zero{stroke:var(--muted);stroke-dasharray:2 2}.forest .reach{stroke:var(--muted);
stroke-width:2}.forest circle{fill:var(--muted)}.forest.good .reach{stroke:var(--ok)}.forest.good circle{fill:var(--ok)}
.forest.poor .reach{stroke:var(--bad)}.forest.poor circle{fill:var(--bad)}
pre{margin:8px 0 0;padding:8px;background:var(--bg);border:1px solid var(--border);border-radius:6px;font-size:11px;
white-space:pre-wrap;overflow-wrap:anywhere}summary{cursor:pointer}
footer{color:var(--muted);font-size:12px;margin:16px 0}
@page{size:A4 landscape;margin:12mm}@media print{:root{color-scheme:light;--bg:#fff;--panel:#fff;--border:#ccc;
--text:#000;--muted:#444;--accent:#2457d6;--ok:#17714a;--warn:#8f5c10;--bad:#b03328;--band:#eef2fc;--c0:#2457d6;
--c1:#d1495b;--c2:#2a9d6f;--c3:#b87a08;--c4:#7a4fbf;--c5:#0f8ea6;--c6:#8a6d3b;--c7:#5b6470}
main{max-width:none;padding:0}.charts{grid-template-columns:1fr 1fr}.scroll{overflow:visible}h2{break-after:avoid}
tr{break-inside:avoid}th,td{padding:3px 5px}body{font-size:11px;print-color-adjust:exact}table{font-size:10px}}
"""
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "14 5", "4 2", "1 4", "12 3 2 3 2 3")
_LINES = "".join(
    f".s{number}{{stroke:var(--c{number});stroke-dasharray:{dash or 'none'}}}" for number, dash in enumerate(_DASHES)
)


class Markup(str):
    """Text that is markup already; everything else is escaped."""

    __slots__ = ()


def text(value: Any) -> str:
    """A value as markup: escaped, unless it is `Markup`."""
    if value is None:
        return MISSING
    return value if isinstance(value, Markup) else escape(str(value))


def page(title: str, body: Iterable[str], made_by: str, made_at: str) -> str:
    """The whole document."""
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{text(title)}</title><style>{_STYLE}{_LINES}</style>"
    )
    foot = f"<footer>Made by {text(made_by)} on {text(made_at)}. Times are UTC; intervals are 95 % confidence.</footer>"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(body)}{foot}</main></body></html>\n'
    )


def section(title: str, *parts: str) -> str:
    """A panel; empty without content."""
    content = "".join(parts)
    return f"<section><h2>{text(title)}</h2>{content}</section>" if content else ""


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], *, numbers: int = 1, classes: Sequence[str] = ()) -> str:
    """A table whose first cell of a row is its head; cells from column `numbers` on are aligned as numbers."""
    kind = [' class="n"' if position >= numbers else "" for position in range(len(head))]
    heads = "".join(f'<th scope="col"{kind[position]}>{text(cell)}</th>' for position, cell in enumerate(head))
    lines = []
    for number, (first, *cells) in enumerate(rows):
        style = f' class="{classes[number]}"' if number < len(classes) and classes[number] else ""
        marked = "".join(
            f"<td{kind[position] or ' class=wide'}>{text(cell)}</td>" for position, cell in enumerate(cells, 1)
        )
        lines.append(f'<tr{style}><th scope="row">{text(first)}</th>{marked}</tr>')
    if not lines:
        return ""
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def facts(pairs: Mapping[str, Any]) -> str:
    """A table of two columns without a head."""
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th><td class="wide">{text(value)}</td></tr>'
        for name, value in pairs.items()
        if value not in {None, ""}
    )
    return f"<table><tbody>{rows}</tbody></table>" if rows else ""


def bullets(items: Sequence[Any], style: str = "") -> str:
    """A list; empty without items."""
    lines = "".join(f"<li>{text(item)}</li>" for item in items)
    return f'<ul class="{style}">{lines}</ul>' if items else ""


def cards(pairs: Sequence[tuple[str, str]]) -> str:
    """Big numbers."""
    boxes = "".join(f'<div class="card"><span>{text(name)}</span><b>{text(value)}</b></div>' for name, value in pairs)
    return f'<div class="cards">{boxes}</div>'


def folded(title: str, value: Any) -> str:
    """JSON behind a line that opens it."""
    shown = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    limit = 200_000
    if len(shown) > limit:
        shown = f"{shown[:limit]}\n… {len(shown) - limit:,} more characters"
    return f"<details><summary>{text(title)}</summary><pre>{text(shown)}</pre></details>"
