import type { Day } from "@/api/generated";
import { shownDay } from "@/shared/dates";
import { t } from "@/texts";
import { axisTop } from "./figures";
import styles from "./day-chart.module.css";

const WIDTH = 1000;
const HEIGHT = 220;
const LEFT = 34;
const BOTTOM = 24;

/** Orders a day, stacked: completed, open, blocked. The same figures stand in a table below. */
export function DayChart({ days }: { days: Day[] }) {
  const most = Math.max(...days.map(({ orders }) => orders));
  const top = axisTop(most);
  const slot = (WIDTH - LEFT) / days.length;
  const height = (count: number) => (count / top) * (HEIGHT - BOTTOM - 8);
  const every = Math.ceil(days.length / 8);
  return (
    <figure className={styles.chart}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t.reports.chartLabel(days.length, most)}>
        {[0, top / 2, top].map((tick) => (
          <g key={tick} transform={`translate(0 ${HEIGHT - BOTTOM - height(tick)})`}>
            <line x1={LEFT} x2={WIDTH} className={styles.line} />
            <text x={LEFT - 8} y={4} textAnchor="end">
              {tick}
            </text>
          </g>
        ))}
        {days.map((day, place) => {
          const open = day.orders - day.completed - day.rejected;
          let base = HEIGHT - BOTTOM;
          const part = (count: number, kind: string) => {
            base -= height(count);
            return count > 0 && <rect data-kind={kind} x={slot * 0.12} y={base} width={slot * 0.76} height={height(count)} />;
          };
          return (
            <g key={day.day} transform={`translate(${LEFT + place * slot} 0)`}>
              <title>{t.reports.barLabel(shownDay(day.day), day.orders, day.completed, day.rejected)}</title>
              <rect x={0} y={0} width={slot} height={HEIGHT - BOTTOM} className={styles.touch} />
              {part(day.completed, "completed")}
              {part(open, "open")}
              {part(day.rejected, "rejected")}
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
        {(["completed", "open", "rejected"] as const).map((kind) => (
          <span key={kind} data-kind={kind}>
            {t.reports[kind]}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
