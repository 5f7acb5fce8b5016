import type { Day } from "@/api/generated";
import { shownDay } from "@/shared/dates";
import { t } from "@/texts";
import { axisTop, type Measure } from "./figures";
import styles from "./day-chart.module.css";

const WIDTH = 1000;
const HEIGHT = 220;
const LEFT = 64;
const BOTTOM = 24;

/** One measure a day, its parts stacked. The same figures stand in a table below. */
export function DayChart({ days, measure }: { days: Day[]; measure: Measure }) {
  const parts = days.map((day) => measure.parts(day));
  const totals = parts.map((values) => values.reduce((sum, value) => sum + value, 0));
  const most = Math.max(...totals);
  const top = axisTop(most, measure.isWhole);
  const slot = (WIDTH - LEFT) / days.length;
  const height = (value: number) => (value / top) * (HEIGHT - BOTTOM - 8);
  const every = Math.ceil(days.length / 8);
  return (
    <figure className={styles.chart}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t.reports.chartLabel(measure.title, days.length, measure.shown(most))}>
        {[0, top / 2, top].map((tick) => (
          <g key={tick} transform={`translate(0 ${HEIGHT - BOTTOM - height(tick)})`}>
            <line x1={LEFT} x2={WIDTH} className={styles.line} />
            <text x={LEFT - 8} y={4} textAnchor="end">
              {measure.shown(tick)}
            </text>
          </g>
        ))}
        {days.map((day, place) => {
          let base = HEIGHT - BOTTOM;
          const values = parts[place] ?? [];
          return (
            <g key={day.day} transform={`translate(${LEFT + place * slot} 0)`}>
              <title>{`${shownDay(day.day)}: ${measure.labels.map((label, n) => `${label} ${measure.shown(values[n] ?? 0)}`).join(", ")}`}</title>
              <rect x={0} y={0} width={slot} height={HEIGHT - BOTTOM} className={styles.touch} />
              {values.map((value, n) => {
                base -= height(value);
                return value > 0 && <rect key={n} data-part={n} x={slot * 0.12} y={base} width={slot * 0.76} height={height(value)} />;
              })}
              {place % every === 0 && (
                <text x={slot / 2} y={HEIGHT - 6} textAnchor="middle">
                  {shownDay(day.day).replace(/, \d+$/, "")}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption className={styles.legend}>
        {measure.labels.map((label, n) => (
          <span key={label} data-part={n}>
            {label}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
