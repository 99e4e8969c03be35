import { deleteProvider } from "../../api/endpoints";
import type { Provider } from "../../api/types";
import { Confirm } from "../../ui/Dialog";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";

interface DeleteProps {
  provider: Provider;
  onDeleted: () => void;
  onClose: () => void;
}

export function DeleteDialog({ provider, onDeleted, onClose }: DeleteProps) {
  const { busy, error, run } = useAction();
  const remove = async () => {
    if (await run(() => deleteProvider(provider.name))) onDeleted();
  };
  return (
    <Confirm
      title={`Delete “${provider.name}”?`}
      action="Delete it"
      keep="Keep it"
      busy={busy.value}
      onConfirm={() => void remove()}
      onClose={onClose}
    >
      <p>The provider and its stored key are deleted. Benchmarks that used it keep their results.</p>
      {error.value && <Notice error={error.value} what="Not deleted." />}
    </Confirm>
  );
}
