import { Component, type ReactNode } from "react";

/** Says that the page broke, instead of leaving it blank. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <main className="broken" role="alert">
        <h1>This page ran into a problem</h1>
        <p>Nothing was changed: the dashboard only reads.</p>
        <button
          type="button"
          onClick={() => {
            window.location.reload();
          }}
        >
          Reload
        </button>
      </main>
    );
  }
}
