import type { ConnectionState } from "../api/liveSocket";
import { Announcer } from "../ui/Announcer";
import { Segmented } from "../ui/Segmented";
import type { ThemeChoice } from "./theme";

const WORDS: Record<ConnectionState, string> = {
  connecting: "Connecting…",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  disconnected: "Disconnected, still trying",
};

const THEMES = [
  { value: "system", label: "Auto" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
] as const;

interface HeaderProps {
  connection: ConnectionState;
  theme: ThemeChoice;
  onTheme: (theme: ThemeChoice) => void;
}

export function Header({ connection, theme, onTheme }: HeaderProps) {
  return (
    <header className="page-head">
      <div className="page-head-inner">
        <h1>
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="32" height="32" />
          meshsplit
        </h1>
        <p className="connection" data-state={connection} data-testid="connection">
          {WORDS[connection]}
        </p>
        <Announcer text={WORDS[connection]} />
        <Segmented label="Theme" options={THEMES} value={theme} onChange={onTheme} />
      </div>
    </header>
  );
}
