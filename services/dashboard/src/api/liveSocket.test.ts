import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { LiveSocket, liveAddress, reconnectDelay } from "./liveSocket";

class Server extends EventTarget {
  static readonly OPEN = 1;
  static sockets: Server[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    Server.sockets.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.readyState = 3;
  }
  accept() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  break() {
    this.readyState = 3;
    this.onclose?.();
  }
}

const SNAPSHOT = { type: "snapshot", total: 7, selection: null, behind: 0 };
const CHOICE = { course: "S30", year: 2002, semester: "slider" };

const latest = () => {
  const socket = Server.sockets.at(-1);
  if (!socket) throw new Error("nothing was opened");
  return socket;
};

let stop: () => void = () => undefined;
function started(): LiveSocket {
  const live = new LiveSocket("ws://here/live");
  stop = live.start();
  return live;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Server);
  Server.sockets = [];
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("it is connected once something was said, not before", () => {
  const live = started();
  latest().accept();
  expect(live.getState().connection).toBe("connecting");
  latest().say(SNAPSHOT);
  expect(live.getState()).toMatchObject({ connection: "connected", figures: { total: 7 } });
});

test("a lost connection is tried again, and the figures stay", () => {
  const live = started();
  latest().accept();
  latest().say(SNAPSHOT);
  latest().break();
  expect(live.getState()).toMatchObject({ connection: "reconnecting", figures: { total: 7 } });
  vi.advanceTimersByTime(1_000);
  expect(Server.sockets).toHaveLength(2);
});

test("after three failures in a row it says disconnected, and goes on trying", () => {
  const live = started();
  for (let failure = 0; failure < 3; failure++) {
    latest().break();
    vi.advanceTimersByTime(15_000);
  }
  expect(live.getState().connection).toBe("disconnected");
  const tries = Server.sockets.length;
  latest().break();
  vi.advanceTimersByTime(15_000);
  expect(Server.sockets.length).toBeGreaterThan(tries);
});

test("a choice is sent on opening, and again after a reconnect", () => {
  const live = started();
  live.select(CHOICE);
  for (let round = 0; round < 2; round++) {
    latest().accept();
    latest().say(SNAPSHOT);
    expect(latest().sent.map((text) => JSON.parse(text) as unknown)).toEqual([
      { type: "select", ...CHOICE },
    ]);
    latest().break();
    vi.advanceTimersByTime(2_000);
  }
});

test("a silent connection is asked, then given up", () => {
  const live = started();
  live.select(CHOICE);
  latest().accept();
  latest().say(SNAPSHOT);
  vi.advanceTimersByTime(20_000);
  expect(latest().sent).toHaveLength(2);
  vi.advanceTimersByTime(8_000);
  expect(live.getState().connection).toBe("reconnecting");
});

test("a connection that never opens is given up", () => {
  started();
  vi.advanceTimersByTime(8_000 + 1_000);
  expect(Server.sockets).toHaveLength(2);
});

test("messages it does not know change nothing", () => {
  const live = started();
  latest().accept();
  latest().say(SNAPSHOT);
  const before = live.getState();
  latest().say({ type: "later" });
  expect(live.getState()).toBe(before);
});

test("delays grow to a limit, differ, and are never nothing", () => {
  expect(reconnectDelay(0, 0)).toBe(250);
  expect(reconnectDelay(0, 0.99)).toBeLessThanOrEqual(500);
  expect(reconnectDelay(3, 0.99)).toBeGreaterThan(reconnectDelay(1, 0.99));
  expect(reconnectDelay(1_000, 0.999)).toBeLessThanOrEqual(15_000);
});

test("the address follows the page's host and scheme", () => {
  expect(liveAddress(new URL("https://there:8443/dashboard/") as unknown as Location)).toBe(
    "wss://there:8443/api/v1/live",
  );
});
