/** The live WebSocket: reconnects by itself, and keeps the selection across connections. */
import { readLiveMessage, type LiveFigures } from "./answers";
import { API } from "./request";

export type ConnectionState = "connecting" | "connected" | "reconnecting" | "disconnected";

export interface Selection {
  course: string;
  year: number;
  semester: string;
}

export interface LiveState {
  connection: ConnectionState;
  /** The last figures; they outlive a lost connection, and are then stale. */
  figures: LiveFigures | null;
  /** When they came, in milliseconds since the epoch. */
  at: number | null;
  /** What the server did not understand, if anything, since the last choice. */
  complaint: string | null;
}

/** Attempts in a row that may fail before the page says it is disconnected. */
const ATTEMPTS_BEFORE_DISCONNECTED = 3;
const CONNECT_TIMEOUT_MS = 8_000;
const SILENCE_MS = 20_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

/** Full jitter over an exponential ceiling, but never at once. `chance` is in [0, 1). */
export function reconnectDelay(failures: number, chance: number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10));
  return Math.round(FIRST_DELAY_MS / 2 + chance * (ceiling - FIRST_DELAY_MS / 2));
}

export class LiveSocket {
  #state: LiveState = { connection: "connecting", figures: null, at: null, complaint: null };
  #listeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  #selection: Selection | null = null;
  #failures = 0;
  #everConnected = false;
  #retry: number | undefined;
  #watchdog: number | undefined;
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  readonly getState = (): LiveState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Connects, and stays connected until the returned function is called. */
  start(): () => void {
    const hurry = () => {
      if (this.#socket === null && document.visibilityState === "visible") this.#connect();
    };
    window.addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);
    this.#connect();
    return () => {
      window.removeEventListener("online", hurry);
      document.removeEventListener("visibilitychange", hurry);
      window.clearTimeout(this.#retry);
      this.#abandon();
    };
  }

  /** Asks for the students of a course in a semester, now and after every reconnect. */
  select(selection: Selection): void {
    this.#selection = selection;
    this.#change({ complaint: null });
    this.#sendSelection();
  }

  #connect(): void {
    window.clearTimeout(this.#retry);
    this.#abandon();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#watch(CONNECT_TIMEOUT_MS, () => {
      this.#lost();
    });
    socket.onopen = () => {
      this.#sendSelection();
    };
    socket.onmessage = (event) => {
      this.#receive(event.data);
    };
    socket.onclose = () => {
      this.#lost();
    };
  }

  #receive(frame: unknown): void {
    const message = readLiveMessage(frame);
    if (message === null) return;
    // Only a message proves a connection: a gateway may accept one for a server that is away.
    this.#failures = 0;
    this.#everConnected = true;
    this.#watch(SILENCE_MS, () => {
      this.#probe();
    });
    if (message.type === "error") {
      this.#change({ connection: "connected", complaint: message.detail });
    } else {
      this.#change({ connection: "connected", figures: message, at: Date.now() });
    }
  }

  /** A choice is always answered, so repeating it tells silence from a dead connection. */
  #probe(): void {
    if (this.#selection === null) return;
    this.#sendSelection();
    this.#watch(CONNECT_TIMEOUT_MS, () => {
      this.#lost();
    });
  }

  #lost(): void {
    this.#abandon();
    const failures = this.#failures++;
    const given = failures + 1 >= ATTEMPTS_BEFORE_DISCONNECTED;
    const trying = this.#everConnected ? "reconnecting" : "connecting";
    this.#change({ connection: given ? "disconnected" : trying });
    this.#retry = window.setTimeout(
      () => {
        this.#connect();
      },
      reconnectDelay(failures, Math.random()),
    );
  }

  #abandon(): void {
    window.clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #watch(delay: number, action: () => void): void {
    window.clearTimeout(this.#watchdog);
    this.#watchdog = window.setTimeout(action, delay);
  }

  #sendSelection(): void {
    if (this.#selection === null || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ type: "select", ...this.#selection }));
  }

  #change(change: Partial<LiveState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** The live address beside the page's own, on whichever host and port it was served. */
export function liveAddress(location: Location): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${API}/live`;
}
