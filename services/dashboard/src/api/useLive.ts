import { useEffect, useState, useSyncExternalStore } from "react";

import { LiveSocket, liveAddress, type LiveState, type Selection } from "./liveSocket";

/** Keeps one live connection for the page, with the given selection. */
export function useLive(selection: Selection | null): LiveState {
  const [socket] = useState(() => new LiveSocket(liveAddress(window.location)));
  useEffect(() => socket.start(), [socket]);

  const { course, year, semester } = selection ?? {};
  useEffect(() => {
    if (course !== undefined && year !== undefined && semester !== undefined) {
      socket.select({ course, year, semester });
    }
  }, [socket, course, year, semester]);

  return useSyncExternalStore(socket.subscribe, socket.getState);
}
