import type { ProviderKind } from "../../api/types";
import { abilities } from "./model-facts";

/** What the chosen kind can do, before anything of it is stored. */
export function KindFacts({ kind }: { kind: ProviderKind }) {
  const { can, cannot, unknown } = abilities(kind.capabilities);
  return (
    <dl class="field-wide kind-facts">
      {can.length > 0 && <Row name="Can" words={can} />}
      {cannot.length > 0 && <Row name="Cannot" words={cannot} />}
      {unknown.length > 0 && <Row name="Depends on the server" words={unknown} />}
      <Row
        name="Prices"
        words={[kind.has_list_prices ? "list prices are known" : "none are known; the configuration can give them"]}
      />
    </dl>
  );
}

function Row({ name, words }: { name: string; words: readonly string[] }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{words.join(", ")}</dd>
    </>
  );
}
