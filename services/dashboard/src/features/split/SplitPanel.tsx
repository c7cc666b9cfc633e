import { useSplit } from "../../api/polled";
import { Announcer } from "../../ui/Announcer";
import { Panel } from "../../ui/Panel";
import { RequestGrid } from "./RequestGrid";
import "./split.css";
import { Verdict } from "./Verdict";
import { verdictTitle } from "./verdictTitle";
import { Weights } from "./Weights";

/** What the mesh was asked to do with the records, what it does, and whether they agree. */
export function SplitPanel() {
  const reading = useSplit();
  return (
    <Panel
      title="Traffic split"
      hint="Each new record goes to one arm. The weights decide which."
      className="split-panel"
      reading={reading}
      empty={(split) => (split.arms.length === 0 ? "The route names no arms." : null)}
    >
      {(split) => (
        <>
          <Announcer text={verdictTitle(split.verdict.state)} />
          {split.configuration_error !== null && (
            <div className="notice notice-error configuration-error">
              <strong>The last change was refused; the one before it is still in force.</strong>{" "}
              {split.configuration_error.message}
              <code>
                {[
                  split.configuration_error.file,
                  split.configuration_error.name,
                  split.configuration_error.path,
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </code>
            </div>
          )}
          <div className="split-columns">
            <div className="split-numbers">
              <Verdict split={split} />
              <Weights split={split} />
            </div>
            <RequestGrid
              arms={split.arms}
              observed={split.observed}
              readAt={reading.dataUpdatedAt}
            />
          </div>
        </>
      )}
    </Panel>
  );
}
