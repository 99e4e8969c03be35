import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { listBenchmarks, listProviders } from "../../api/endpoints";
import { asApiError } from "../../api/errors";
import { may, session } from "../../app/session";
import { describeTargets } from "../../ui/describe";
import { Icon } from "../../ui/icons";
import { relative } from "../../ui/times";
import { useFocusBack } from "../../ui/useFocusBack";
import { benchmarkHere, comparisonWith, go, type Option, optionsHere, type Place } from "./choices";
import { ranked } from "./match";
import { loadRecent, saveRecent, withRecent } from "./recent";
import "./palette.css";

// Long enough not to ask for every letter, short enough to feel like typing.
const SEARCH_AFTER_MS = 150;
const MOST_BENCHMARKS = 8;
const GROUPS = ["Do", "Go to", "Benchmarks", "Providers"] as const;

interface Shown {
  option: Option;
  at: readonly number[];
}

interface PaletteProps {
  places: readonly Place[];
  /** What was typed before it was there. */
  typed: string;
  onClose: () => void;
}

/** Go anywhere, do anything: a field with a list under it, after the combobox pattern of the ARIA practices. */
export function Palette({ places, typed: ahead, onClose }: PaletteProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const [typed, setTyped] = useState(ahead);
  const [picking, setPicking] = useState<"compare" | null>(null);
  const [chosen, setChosen] = useState(0);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [found, setFound] = useState<Option[]>([]);
  const [providers, setProviders] = useState<Option[]>([]);
  const [recent, setRecent] = useState(loadRecent);
  const here = useMemo(() => optionsHere(places), []);

  useFocusBack();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);

  useEffect(() => {
    if (!may("provider.read")) return;
    const abort = new AbortController();
    listProviders(null, abort.signal).then(
      ({ items }) =>
        setProviders(
          items.map(({ name, kind }) => ({
            id: `provider ${name}`,
            group: "Providers",
            icon: "pulse",
            label: name,
            note: kind,
            href: `/?provider=${encodeURIComponent(name)}`,
          })),
        ),
      () => {}, // without them the rest is as good
    );
    return () => abort.abort();
  }, []);

  useEffect(() => {
    const text = typed.trim();
    if (!may("benchmark.read") || (!text && !picking)) {
      setFound([]);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      listBenchmarks({ q: text.slice(0, 200), limit: MOST_BENCHMARKS }, abort.signal).then(
        ({ items }) => {
          const now = Date.now();
          setFound(
            items.map((row) => ({
              id: `benchmark ${row.id}`,
              group: "Benchmarks",
              icon: "pulse",
              label: row.name,
              note: `${describeTargets(row.targets)} · ${row.status} · ${relative(row.created_at, now)}`,
              href: `/benchmarks/${row.id}`,
            })),
          );
          setProblem(null);
        },
        (reason: unknown) => {
          if (!abort.signal.aborted) setProblem(asApiError(reason).message);
        },
      );
    }, SEARCH_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [typed, picking]);

  const shown = useMemo<Shown[]>(() => {
    const visited: Option[] = recent.flatMap(({ id: key, label, href }) =>
      href?.startsWith("/benchmarks/") && !found.some((one) => one.id === key)
        ? [{ id: key, group: "Benchmarks", icon: "clock", label, href, note: "lately" }]
        : [],
    );
    const used = recent.map((one) => one.id);
    if (picking) {
      const others = [...found, ...visited].filter(({ id: key }) => key !== benchmarkHere());
      return ranked(others, typed, used).map(({ item, at }) => ({ option: item, at }));
    }
    // What the server found fits by its own rules, also where the letters of the name alone do not.
    const local = ranked([...here, ...visited, ...providers], typed, used);
    const hits = local.map(({ item, at }): Shown => ({ option: item, at }));
    const extra = found.map((option): Shown => ({ option, at: ranked([option], typed, [])[0]?.at ?? [] }));
    const all = [...hits, ...extra].filter(({ option }) => typed.trim() || option.group !== "Providers");
    const first = all[0]?.option.group;
    const order = [...GROUPS].sort((one, other) => Number(other === first) - Number(one === first));
    const lately = typed.trim() ? [] : all.filter(({ option }) => used.includes(option.id)).slice(0, 5);
    const rest = all.filter((one) => !lately.includes(one));
    return [...lately, ...order.flatMap((group) => rest.filter(({ option }) => option.group === group))];
  }, [typed, picking, found, providers, recent]);
  const usedIds = new Set(recent.map((one) => one.id));
  const at = Math.min(chosen, Math.max(0, shown.length - 1));

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at, shown]);

  const remember = (option: Option) => {
    const next = withRecent(recent, { id: option.id, label: option.label, href: option.href ?? null });
    setRecent(next);
    saveRecent(next);
  };
  const choose = async (option: Option | undefined) => {
    if (!option || busy) return;
    setProblem(null);
    if (option.asks) {
      setPicking(option.asks);
      setTyped("");
      setChosen(0);
      return;
    }
    if (picking && option.href) {
      onClose();
      go(comparisonWith(option.id.replace("benchmark ", "")));
      return;
    }
    remember(option);
    if (option.href) {
      onClose();
      go(option.href);
      return;
    }
    setBusy(true);
    try {
      await option.run?.();
      onClose();
    } catch (reason) {
      if (session.value.state === "in") {
        setProblem(reason instanceof Error ? reason.message : asApiError(reason).message);
        setBusy(false);
      }
    }
  };
  const onKey = (event: KeyboardEvent) => {
    const last = shown.length - 1;
    const moves: Record<string, number> = {
      ArrowDown: at >= last ? 0 : at + 1,
      ArrowUp: at <= 0 ? last : at - 1,
      PageDown: Math.min(last, at + 8),
      PageUp: Math.max(0, at - 8),
    };
    const next =
      event.ctrlKey && event.key === "n"
        ? moves.ArrowDown
        : event.ctrlKey && event.key === "p"
          ? moves.ArrowUp
          : moves[event.key];
    if (next !== undefined) {
      event.preventDefault();
      setChosen(Math.max(0, next));
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      void choose(shown[at]?.option);
    } else if (event.key === "Backspace" && typed === "" && picking) {
      setPicking(null);
    }
  };

  const label = picking ? "Compare with which benchmark?" : "Search pages, benchmarks, providers and actions";
  const optionId = (number: number) => `${id}-${number}`;
  let heading = "";
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Command palette"
      onCancel={(event) => {
        event.preventDefault();
        if (picking) setPicking(null);
        else onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose(); // beside it
      }}
      onKeyDown={onKey}
    >
      <div class="palette-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label={label}
          aria-expanded={shown.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={shown.length > 0 ? optionId(at) : undefined}
          aria-busy={busy}
          placeholder={label}
          autoComplete="off"
          spellcheck={false}
          maxLength={200}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setChosen(0);
          }}
        />
      </div>
      <div ref={list} id={`${id}-list`} class="palette-list" role="listbox" aria-label={label}>
        {shown.map(({ option, at: marked }, number) => {
          const title = !typed.trim() && usedIds.has(option.id) ? "Lately" : option.group;
          const isFirst = title !== heading;
          heading = title;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the field's, which keeps the focus
            // biome-ignore lint/a11y/useFocusableInteractive: likewise; the field names the active one
            <div
              key={option.id}
              id={optionId(number)}
              class="palette-option"
              role="option"
              aria-selected={number === at}
              onMouseMove={() => {
                if (number !== at) setChosen(number);
              }}
              onClick={() => void choose(option)}
            >
              {isFirst && (
                <span class="palette-title" aria-hidden="true">
                  {title}
                </span>
              )}
              <span class="palette-line">
                <Icon name={option.icon} />
                <span class="palette-label">
                  <Marked text={option.label} at={marked} />
                </span>
                {option.note && <span class="palette-note">{option.note}</span>}
              </span>
            </div>
          );
        })}
      </div>
      <p class="palette-foot" role="status">
        {problem ? (
          <span class="palette-problem">{problem}</span>
        ) : busy ? (
          "Working…"
        ) : shown.length === 0 ? (
          "Nothing fits"
        ) : (
          <span class="visually-hidden">{`${shown.length} ${shown.length === 1 ? "result" : "results"}`}</span>
        )}
        <span class="palette-keys" aria-hidden="true">
          <kbd>↑</kbd> <kbd>↓</kbd> choose · <kbd>enter</kbd> go · <kbd>esc</kbd> {picking ? "back" : "close"}
        </span>
      </p>
    </dialog>
  );
}

function Marked({ text, at }: { text: string; at: readonly number[] }) {
  if (at.length === 0) return <>{text}</>;
  const marked = new Set(at);
  return <>{[...text].map((letter, number) => (marked.has(number) ? <b key={number}>{letter}</b> : letter))}</>;
}
