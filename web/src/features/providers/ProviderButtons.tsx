import type { Provider } from "../../api/types";
import { may } from "../../app/session";
import { Button } from "../../ui/Button";
import type { Test } from "./useTest";

interface ButtonsProps {
  provider: Provider;
  test: Test;
  kind: "plain" | "quiet";
  onEdit: () => void;
  onDelete: () => void;
}

/** What can be done with a provider, as far as one may. */
export function ProviderButtons({ provider, test, kind, onEdit, onDelete }: ButtonsProps) {
  const { busy, ask } = test;
  const model = provider.default_model;
  return (
    <>
      {may("provider.test") && (
        <>
          <Button kind={kind} icon="pulse" busy={busy.value} onClick={() => ask()}>
            Test
          </Button>
          {model && (
            <Button
              kind={kind}
              busy={busy.value}
              title={`Asks ${model} for a few tokens, which is paid for`}
              onClick={() => ask(model)}
            >
              Try
            </Button>
          )}
        </>
      )}
      {may("provider.manage") && (
        <>
          <Button kind={kind} onClick={onEdit}>
            Edit
          </Button>
          <Button kind={kind} onClick={onDelete}>
            Delete
          </Button>
        </>
      )}
    </>
  );
}
