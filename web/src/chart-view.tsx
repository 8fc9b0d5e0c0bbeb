import type { Report } from '../../client/answers.ts';
import { dollars, roundDollars } from '../../client/money.ts';
import { chartOf } from './chart.ts';
import { useWidth } from './hooks.ts';
import { monthShort, monthTitle, yearsBelow } from './months.ts';

interface Props {
  readonly reports: readonly Report[];
  readonly chosen: string;
  readonly onChoose: (month: string) => void;
}

const HEIGHT_PX = 150;
const TOP_PX = 22;
const LEFT_PX = 52;

/** Bars to look at; the buttons below them are what chooses a month, and say the amounts. */
export function SpendChart({ reports, chosen, onChoose }: Props) {
  const { ref, width: outer } = useWidth<HTMLDivElement>();
  const width = Math.max(0, outer - LEFT_PX);
  const capUsd = reports.at(-1)?.monthlyCapUsd ?? null;
  const { bars, lines, capY } = chartOf(reports, capUsd, { width, height: HEIGHT_PX });
  const years = yearsBelow(reports.map(({ month }) => month));
  return (
    <div class="chart" ref={ref}>
      {width > 0 && (
        <svg width={outer} height={HEIGHT_PX + TOP_PX + 1} aria-hidden="true">
          <g transform={`translate(${LEFT_PX} ${TOP_PX})`}>
            <line class="axis" x1="0" x2={width} y1={HEIGHT_PX} y2={HEIGHT_PX} />
            {lines.map(({ usd, y }) => (
              <g key={usd}>
                <line class="grid" x1="0" x2={width} y1={y} y2={y} />
                <text x="-8" y={y + 4} text-anchor="end">
                  {roundDollars(usd)}
                </text>
              </g>
            ))}
            {bars.map(({ month, ...bar }) => (
              <rect key={month} class={month === chosen ? 'bar chosen' : 'bar'} rx="2" {...bar} />
            ))}
            {capY !== null && capUsd !== null && (
              <g>
                <line class="cap" x1="0" x2={width} y1={capY} y2={capY} />
                <text class="cap-label" x={width} y={capY - 5} text-anchor="end">
                  cap {dollars(capUsd)}
                </text>
              </g>
            )}
          </g>
        </svg>
      )}
      <ul class="months">
        {reports.map(({ month, billedUsd }, index) => (
          <li key={month}>
            <button type="button" aria-pressed={month === chosen} onClick={() => onChoose(month)}>
              <span aria-hidden="true">{monthShort(month)}</span>
              <span class="unseen">{monthTitle(month)}, reckoned </span>
              <small>{dollars(billedUsd)}</small>
            </button>
            <span class="year" aria-hidden="true">
              {years[index]}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
