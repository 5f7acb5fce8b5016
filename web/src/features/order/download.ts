import { useMutation } from "@tanstack/react-query";
import { apiError } from "@/api/call";

export const FORMATS = ["txt", "pdf", "fhir", "json"] as const;
export type Format = (typeof FORMATS)[number];

/** As a file of the browser's; a refusal stays on the page as an error, instead of being saved as a file. */
async function download({ careplanId, format }: { careplanId: string; format: Format }): Promise<void> {
  const answer = await fetch(`/api/careplans/${careplanId}/download?format=${format}`).catch(() => null);
  if (!answer) throw apiError(0, null);
  if (!answer.ok) throw apiError(answer.status, await answer.json().catch(() => null));
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
  const address = URL.createObjectURL(await answer.blob());
  const link = Object.assign(document.createElement("a"), { href: address, download: name ?? `careplan.${format}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export const useDownload = () => useMutation({ mutationFn: download });
