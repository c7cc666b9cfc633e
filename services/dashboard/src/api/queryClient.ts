import { QueryClient } from "@tanstack/react-query";

/** Readings are polled, so a failed one is not retried at once: the next poll is the retry. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: false,
        staleTime: 0,
        // "Offline" says nothing about a server on this very machine.
        networkMode: "always",
        refetchIntervalInBackground: false,
      },
    },
  });
}
