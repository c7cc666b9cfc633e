import { Bar, BarChart, LabelList, XAxis, YAxis } from "recharts";

import "./rankedBars.css";

export interface RankedBar {
  /** Unique in the chart. */
  key: string;
  label: string;
  value: number;
  /** The value as it is to be read. */
  written: string;
}

interface RankedBarsProps {
  title: string;
  bars: RankedBar[];
  /** The scale's end, where the largest value is not. */
  max?: number;
}

const ROW_PX = 52;
const BAR_PX = 16;

/** Horizontal bars, the best first, each under its full-width label: names may be long. */
export function RankedBars({ title, bars, max }: RankedBarsProps) {
  const label = (key: string) => bars.find((bar) => bar.key === key);
  return (
    <BarChart
      accessibilityLayer
      responsive
      className="ranked-bars"
      style={{ height: ROW_PX * bars.length + 10 }}
      layout="vertical"
      data={bars}
      title={title}
      margin={{ top: 10, right: 0, bottom: 0, left: 0 }}
    >
      <XAxis type="number" hide domain={[0, max ?? "dataMax"]} />
      <YAxis type="category" dataKey="key" hide width={0} />
      <Bar
        dataKey="value"
        barSize={BAR_PX}
        radius={4}
        fill="var(--bar)"
        background={{ fill: "var(--surface-2)", radius: 4 }}
        isAnimationActive={false}
      >
        <LabelList
          dataKey="key"
          content={({ y, value }) => {
            const bar = label(String(value));
            if (bar === undefined) return null;
            return (
              <foreignObject x={0} y={Number(y) - 26} width="100%" height={26}>
                <p className="ranked-label">
                  <bdi title={bar.label}>{bar.label}</bdi>
                  <strong>{bar.written}</strong>
                </p>
              </foreignObject>
            );
          }}
        />
      </Bar>
    </BarChart>
  );
}
