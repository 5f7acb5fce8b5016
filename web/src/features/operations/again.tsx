import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { UseMutationResult } from "@tanstack/react-query";
import { fail } from "./table";

type AgainProps = {
  id: string;
  again: UseMutationResult<unknown, Error, string>;
  text: string;
  /** For who only hears it: which one of the list. */
  label: string;
  done: string;
};

/** Has one row of a list handled, sent or replayed once more, and says what came of it. */
export function Again({ id, again, text, label, done }: AgainProps) {
  return (
    <Button
      size="compact-sm"
      variant="default"
      aria-label={label}
      loading={again.isPending && again.variables === id}
      onClick={() =>
        again.mutate(id, {
          onSuccess: () => notifications.show({ color: "teal", message: done }),
          onError: fail,
        })
      }
    >
      {text}
    </Button>
  );
}
