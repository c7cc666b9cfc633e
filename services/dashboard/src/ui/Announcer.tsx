import { useEffect, useState } from "react";

const SHORTEST_PAUSE_MS = 5_000;

/** Speaks the latest text politely, and no more often than every five seconds. */
export function Announcer({ text }: { text: string }) {
  const [spoken, setSpoken] = useState("");
  const [last, setLast] = useState(0);
  useEffect(() => {
    if (text === spoken) return;
    const wait = Math.max(0, last + SHORTEST_PAUSE_MS - Date.now());
    const timer = window.setTimeout(() => {
      setSpoken(text);
      setLast(Date.now());
    }, wait);
    return () => {
      window.clearTimeout(timer);
    };
  }, [text, spoken, last]);
  return (
    <p className="visually-hidden" aria-live="polite">
      {spoken}
    </p>
  );
}
