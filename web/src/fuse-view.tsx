import { hoursWords, spoken } from '../../client/durations.ts';
import { fuseOf, type Lifespan } from '../../client/fuse.ts';
import { plural } from '../../client/plural.ts';
import { nearTime } from '../../client/times.ts';
import { Cord, Spark } from './cord.tsx';
import { cordPath, cordY, layOut } from './fuse.ts';
import { useWidth } from './hooks.ts';

interface Props {
  readonly lifespan: Lifespan;
  readonly now: number;
  /** Not lit: what a quote comes to. */
  readonly isLit: boolean;
}

const PAD_PX = 14;
const HEIGHT_PX = 62;
const CORD_Y = 22;
const MARKS_Y = 36;
const LABELS_Y = 55;

/** A budget as a cord: burnt hours behind the spark, the started and paid one before it. */
export function FuseView({ lifespan, now, isLit }: Props) {
  const { ref, width: outer } = useWidth<HTMLDivElement>();
  const width = Math.max(0, outer - 2 * PAD_PX);
  const { burntX, paidX, cutX, marks } = layOut(
    lifespan,
    isLit ? now : (lifespan.from ?? now),
    width,
  );
  return (
    <div class="fuse" ref={ref}>
      {width > 0 && (
        <svg width={outer} height={HEIGHT_PX} role="img" aria-label={wordsOf(lifespan, now, isLit)}>
          <g transform={`translate(${PAD_PX} 0)`}>
            <path class="cord-ash" d={cordPath(0, burntX, CORD_Y)} />
            <Cord fromX={burntX} toX={width} paidX={isLit ? paidX : burntX} y={CORD_Y} />
            {marks.map(({ hour, x, label }) => (
              <g key={hour} class={x <= burntX ? 'mark-past' : undefined}>
                <path class="hour-mark" d={`M${x} ${MARKS_Y}v${label === null ? 4 : 7}`} />
                {label !== null && (
                  <text x={x} y={LABELS_Y} text-anchor="middle">
                    {label === '0' ? '0 h' : label}
                  </text>
                )}
              </g>
            ))}
            <path class="cut" d={`M${cutX} ${CORD_Y + cordY(cutX) - 13}v26`} />
            {isLit && <Spark x={burntX} y={CORD_Y} />}
          </g>
        </svg>
      )}
    </div>
  );
}

function wordsOf(lifespan: Lifespan, now: number, isLit: boolean): string {
  if (!isLit) return `${hoursWords(lifespan.hours)} to burn.`;
  const burnt = Math.floor(fuseOf(lifespan, now).burnt);
  const left = spoken(lifespan.teardownAt - now);
  const at = nearTime(lifespan.teardownAt, now);
  return `${burnt} of ${plural(lifespan.hours, 'hour')} burnt. Teardown ${at}, in ${left}.`;
}
