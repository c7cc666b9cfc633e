import { useId, type ReactNode } from "react";

import "./panel.css";
import { formatClock } from "./format";

/** What every reading offers; TanStack Query's results fit it as they are. */
export interface Reading<T> {
  data: T | undefined;
  error: Error | null;
  isPending: boolean;
  dataUpdatedAt: number;
}

interface PanelProps<T> {
  title: string;
  hint?: ReactNode;
  actions?: ReactNode;
  className?: string;
  reading: Reading<T>;
  /** Said instead of the content when there is nothing to choose or show. */
  empty?: (data: T) => string | null;
  /** Said when the reading waits for a choice the reader has not made. */
  waitingFor?: string | null;
  children: (data: T) => ReactNode;
}

/** A titled region that shows its reading, or says in words why it can't. */
export function Panel<T>(props: PanelProps<T>) {
  const { title, hint, actions, className = "", reading } = props;
  const heading = useId();
  const stale = reading.data !== undefined && reading.error !== null;
  return (
    <section
      className={`panel ${className}`}
      aria-labelledby={heading}
      aria-busy={reading.isPending && !props.waitingFor}
      data-stale={stale || undefined}
    >
      <header className="panel-head">
        <div className="panel-title">
          <h3 id={heading}>{title}</h3>
          {hint !== undefined && <p className="hint">{hint}</p>}
        </div>
        {actions}
      </header>
      {stale && (
        <p className="notice notice-stale">
          <strong>Stale.</strong> Last read at {formatClock(reading.dataUpdatedAt)}.{" "}
          {reading.error?.message} Trying again.
        </p>
      )}
      <div className="panel-body">
        <Content {...props} />
      </div>
    </section>
  );
}

function Content<T>({ reading, empty, waitingFor, children }: PanelProps<T>) {
  if (reading.data !== undefined) {
    const nothing = empty?.(reading.data) ?? null;
    return nothing === null ? children(reading.data) : <Quiet>{nothing}</Quiet>;
  }
  if (reading.error !== null) {
    return (
      <p className="notice notice-error">
        <strong>Not available.</strong> {reading.error.message} Trying again.
      </p>
    );
  }
  if (waitingFor) return <Quiet>{waitingFor}</Quiet>;
  return (
    <div className="skeleton">
      <span className="visually-hidden">Loading…</span>
    </div>
  );
}

function Quiet({ children }: { children: string }) {
  return <p className="quiet">{children}</p>;
}
