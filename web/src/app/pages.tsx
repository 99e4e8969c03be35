/** The page of each route, loaded when it is first opened. The only place that knows all features. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asApiError } from "../api/errors";
import { LinkButton } from "../ui/Button";
import { Failure, Loading, Message } from "../ui/states";
import type { Route } from "./router";

const TITLES: Record<Route["page"], string> = {
  signin: "Sign in",
  benchmarks: "Benchmarks",
  "new-benchmark": "New benchmark",
  run: "Benchmark",
  compare: "Compare",
  providers: "Providers",
  "not-found": "Not found",
};

type Loaded = ComponentType<{ id: string }>;

const LOADERS: Partial<Record<Route["page"], () => Promise<Loaded>>> = {
  benchmarks: async () => (await import("../features/benchmarks")).BenchmarksPage,
  "new-benchmark": async () => (await import("../features/new-benchmark")).NewBenchmarkPage,
  run: async () => (await import("../features/run")).RunPage,
  compare: async () => (await import("../features/compare")).ComparePage,
  providers: async () => (await import("../features/providers")).ProvidersPage,
};

const loaded = new Map<Route["page"], Loaded>();

export function Page({ route }: { route: Route }) {
  const { page } = route;
  const [, setArrived] = useState(0);
  const [failure, setFailure] = useState<unknown>(null);

  useEffect(() => {
    document.title = `${TITLES[page]} · LLM Test Bench`;
    setFailure(null);
    const load = LOADERS[page];
    if (!load || loaded.has(page)) return;
    let isWanted = true;
    load().then(
      (component) => {
        loaded.set(page, component);
        if (isWanted) setArrived((times) => times + 1);
      },
      (reason: unknown) => {
        if (isWanted) setFailure(reason);
      },
    );
    return () => {
      isWanted = false;
    };
  }, [page]);

  if (page === "not-found") {
    return (
      <Message icon="search" title="There is no such page" action={<LinkButton href="/">Benchmarks</LinkButton>}>
        <p>The address may be mistyped, or from a version that had this page elsewhere.</p>
      </Message>
    );
  }
  if (failure) return <Failure error={asApiError(failure)} what="the page" retry={() => location.reload()} />;
  const Component = loaded.get(page);
  if (!Component) return <Loading what="the page" />;
  const id = route.page === "run" ? route.id : "";
  return <Component key={id} id={id} />;
}
