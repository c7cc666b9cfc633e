import type * as z from "zod/mini";

const TIMEOUT_MS = 10_000;

export const API = "/api/v1";

/** A request that brought no usable answer; the message is fit for a reader. */
export class RequestFailed extends Error {
  override name = "RequestFailed";
}

/**
 * GETs `path` under the API and returns its answer once `schema` has accepted it.
 *
 * @throws RequestFailed when there is no answer in ten seconds, it is no success, or it has
 * another shape than agreed.
 */
export async function request<T extends z.ZodMiniType>(
  path: string,
  schema: T,
  signal?: AbortSignal,
): Promise<z.infer<T>> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const either = signal ? AbortSignal.any([signal, deadline]) : deadline;
  let body: unknown;
  try {
    const response = await fetch(`${API}/${path}`, {
      headers: { accept: "application/json" },
      cache: "no-store",
      signal: either,
    });
    if (!response.ok) throw new RequestFailed(describeStatus(response.status));
    body = await response.json();
  } catch (error) {
    if (error instanceof RequestFailed || signal?.aborted) throw error;
    if (deadline.aborted) throw new RequestFailed("The server took too long to answer.");
    if (error instanceof SyntaxError) throw new RequestFailed("The answer was not JSON.");
    throw new RequestFailed("The server can’t be reached.");
  }
  const checked = schema.safeParse(body);
  if (!checked.success) throw new RequestFailed("The answer was not in the agreed form.");
  return checked.data;
}

function describeStatus(status: number): string {
  if (status === 503) return "The server is not able to answer right now (503).";
  if (status >= 500) return `The server had a problem (${status}).`;
  return `The server refused the request (${status}).`;
}

/** Builds a query string, leaving out what is undefined. */
export function query(parameters: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}
