import { without } from "../../app/benchmark-query";
import { query } from "../../app/router";
import { may } from "../../app/session";
import { Button, LinkButton } from "../../ui/Button";
import { count } from "../../ui/numbers";
import { Message } from "../../ui/states";
import { goTo } from "./Toolbar";

interface EmptyProps {
  isFiltered: boolean;
  arrived: number;
  onNew: () => void;
}

/** In place of the table: there is nothing, nothing matches, or only something new. */
export function Empty({ isFiltered: filtered, arrived, onNew }: EmptyProps) {
  if (arrived > 0) {
    return <Message icon="pulse" title={`${count(arrived)} new`} action={<Button onClick={onNew}>Show them</Button>} />;
  }
  if (filtered) {
    return (
      <Message
        icon="search"
        title="No benchmark matches"
        action={<Button onClick={() => goTo(without(query.value, null))}>Clear the filters</Button>}
      />
    );
  }
  return (
    <Message
      icon="pulse"
      title="No benchmarks yet"
      action={
        may("benchmark.create") && (
          <LinkButton href="/benchmarks/new" kind="primary" icon="plus">
            New benchmark
          </LinkButton>
        )
      }
    >
      <p>A benchmark sends requests to a model and measures how long its answers take.</p>
      <p>
        No model at hand? With <code>demo.enable</code>, which is on unless the configuration says otherwise, a service
        that starts on an empty database measures its own simulator, and that run appears here.
      </p>
    </Message>
  );
}
