/** The page of each route, loaded when it is first opened. The only place that knows all features. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/errors";
import { LinkButton } from "../ui/Button";
import { Failure, Loading, Message } from "../ui/states";
import { NoPermission } from "./NoPermission";
import { NEEDS } from "./places";
import type { Route } from "./router";
import { may } from "./session";

const TITLES: Record<Route["page"], string> = {
  signin: "Sign in",
  benchmarks: "Benchmarks",
  "new-benchmark": "New benchmark",
  run: "Benchmark",
  compare: "Compare",
  providers: "Providers",
  provider: "Provider",
  alerts: "Alerts",
  cluster: "Cluster",
  account: "My account",
  users: "Users",
  user: "User",
  roles: "Roles",
  audit: "Audit",
  settings: "Settings",
  "not-found": "Not found",
};

type Loaded = ComponentType<{ id: string }>;

const LOADERS: Partial<Record<Route["page"], () => Promise<Loaded>>> = {
  benchmarks: async () => (await import("../features/benchmarks")).BenchmarksPage,
  "new-benchmark": async () => (await import("../features/new-benchmark")).NewBenchmarkPage,
  run: async () => (await import("../features/run")).RunPage,
  compare: async () => (await import("../features/compare")).ComparePage,
  providers: async () => (await import("../features/providers")).ProvidersPage,
  provider: async () => (await import("../features/providers")).ProviderPage,
  alerts: async () => (await import("../features/alerts")).AlertsPage,
  cluster: async () => (await import("../features/cluster")).ClusterPage,
  account: async () => (await import("../features/accounts")).AccountPage,
  users: async () => (await import("../features/accounts")).UsersPage,
  user: async () => (await import("../features/accounts")).UserPage,
  roles: async () => (await import("../features/accounts")).RolesPage,
  audit: async () => (await import("../features/audit")).AuditPage,
  settings: async () => (await import("../features/settings")).SettingsPage,
};

const NOT_FETCHED = new ApiError({
  status: 0,
  code: "UNREACHABLE",
  message: "the service cannot be reached, or has another version of the dashboard by now",
  retryable: true,
});

const loaded = new Map<Route["page"], Loaded>();

export function Page({ route }: { route: Route }) {
  const { page } = route;
  const [, setArrived] = useState(0);
  const [hasFailed, setFailed] = useState(false);

  useEffect(() => {
    document.title = `${TITLES[page]} · LLM Test Bench`;
    setFailed(false);
    const load = LOADERS[page];
    if (!load || loaded.has(page)) return;
    let isWanted = true;
    load().then(
      (component) => {
        loaded.set(page, component);
        if (isWanted) setArrived((times) => times + 1);
      },
      () => {
        if (isWanted) setFailed(true);
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
  if (hasFailed) return <Failure error={NOT_FETCHED} what="the page" retry={() => location.reload()} />;
  const need = NEEDS[page];
  if (need && !may(need.permission)) return <NoPermission permission={need.permission} what={need.what} />;
  const Component = loaded.get(page);
  if (!Component) return <Loading what="the page" />;
  const id = "id" in route ? route.id : "";
  return <Component key={id} id={id} />;
}
