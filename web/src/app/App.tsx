/** Who sees what: the sign-in page, or the shell with the page of the URL. */

import { useEffect } from "preact/hooks";
import { SignIn, SignInAgain } from "../features/signin";
import { Failure, Loading } from "../ui/states";
import { Page } from "./pages";
import { navigate, query, route, safeReturn } from "./router";
import { Shell } from "./Shell";
import { resumeSession, session, signInAddress } from "./session";

export function App() {
  const current = session.value;
  switch (current.state) {
    case "unknown":
      return <Loading what="the dashboard" />;
    case "unreachable":
      return <Failure error={current.error} what="the dashboard" retry={() => void resumeSession()} />;
    case "out":
      return route.value.page === "signin" ? <SignIn /> : <Redirect to={signInAddress()} />;
    case "in":
    case "ended":
      return route.value.page === "signin" ? (
        <Redirect to={safeReturn(query.value.get("next"))} />
      ) : (
        <>
          <Shell user={current.user}>
            <Page route={route.value} />
          </Shell>
          {current.state === "ended" && <SignInAgain user={current.user} />}
        </>
      );
  }
}

function Redirect({ to }: { to: string }) {
  useEffect(() => navigate(to, "replace"), [to]);
  return null;
}
