import { useEffect, useState } from "react";

import { useMediaQuery } from "../ui/useMediaQuery";

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "meshsplit.theme";

/** The reader's choice, kept in this browser; a browser that keeps nothing follows the system. */
export function storedTheme(): ThemeChoice {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

function store(choice: ThemeChoice): void {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // Storage is switched off: the choice then lasts as long as the page.
  }
}

export function useTheme(): [ThemeChoice, (choice: ThemeChoice) => void] {
  const [choice, setChoice] = useState(storedTheme);
  const systemDark = useMediaQuery("(prefers-color-scheme: dark)");
  const theme = choice === "system" ? (systemDark ? "dark" : "light") : choice;
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [
    choice,
    (next) => {
      store(next);
      setChoice(next);
    },
  ];
}
