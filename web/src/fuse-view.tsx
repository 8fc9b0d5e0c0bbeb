import { useId } from 'preact/hooks';
import { cordPath, cordY, fuseOf, type Life } from './fuse.ts';
import { useWidth } from './hooks.ts';
import { countdownWords, plural, whenLocal } from './words.ts';

interface Props {
  readonly life: Life;
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
export function FuseView({ life, now, isLit }: Props) {
  const { ref, width: outer } = useWidth<HTMLDivElement>();
  const id = useId();
  const width = Math.max(0, outer - 2 * PAD_PX);
  const fuse = fuseOf(life, isLit ? now : life.from, width);
  const burnt = Math.floor(Math.max(0, now - life.from) / 3_600_000);
  const told = isLit
    ? `${burnt} of ${plural(life.hours, 'hour')} burnt. Teardown ${whenLocal(life.teardownAt, now)}, in ${countdownWords(life.teardownAt - now)}.`
    : `${plural(life.hours, 'hour')} to burn.`;
  return (
    <div class="fuse" ref={ref}>
      {width > 0 && (
        <svg width={outer} height={HEIGHT_PX} role="img" aria-label={told}>
          <defs>
            <pattern id={`${id}-twist`} width="7" height="12" patternUnits="userSpaceOnUse">
              <path class="cord-twist" d="M-1 12L4 0M6 12L11 0" />
            </pattern>
            <radialGradient id={`${id}-glow`}>
              <stop class="glow-in" offset="0" />
              <stop class="glow-out" offset="1" />
            </radialGradient>
          </defs>
          <g transform={`translate(${PAD_PX} 0)`}>
            <path class="cord-ash" d={cordPath(0, fuse.burntX, CORD_Y)} />
            <path class="cord-edge" d={cordPath(fuse.burntX, width, CORD_Y)} />
            <path class="cord" d={cordPath(fuse.burntX, width, CORD_Y)} />
            {isLit && <path class="cord-paid" d={cordPath(fuse.burntX, fuse.paidX, CORD_Y)} />}
            <path
              class="cord-weave"
              stroke={`url(#${id}-twist)`}
              d={cordPath(fuse.burntX, width, CORD_Y)}
            />
            {fuse.marks.map(({ hour, x, label }) => (
              <g key={hour} class={x <= fuse.burntX ? 'mark-past' : 'mark-to-come'}>
                <line
                  x1={x}
                  x2={x}
                  y1={MARKS_Y}
                  y2={MARKS_Y + (label === null ? 4 : 7)}
                  class="hour-mark"
                />
                {label !== null && (
                  <text x={x} y={LABELS_Y} text-anchor="middle">
                    {label === '0' ? '0 h' : label}
                  </text>
                )}
              </g>
            ))}
            <g
              transform={`translate(${fuse.teardownX.toFixed(1)} ${CORD_Y + cordY(fuse.teardownX)})`}
            >
              <path class="cut" d="M0 -12V12" />
            </g>
            {isLit && <Spark x={fuse.burntX} glow={`url(#${id}-glow)`} />}
          </g>
        </svg>
      )}
    </div>
  );
}

const RAYS = ['M0 -7V-13', 'M6 -5L11 -9', 'M-5 -6L-9 -11', 'M5 6L9 11', 'M-6 5L-11 8', 'M1 8V13'];

function Spark({ x, glow }: { x: number; glow: string }) {
  return (
    <g transform={`translate(${x.toFixed(1)} ${(CORD_Y + cordY(x)).toFixed(1)})`}>
      <circle class="glow" r="20" fill={glow} />
      <g class="rays">
        {RAYS.map((ray) => (
          <path key={ray} class="ray" d={ray} />
        ))}
      </g>
      <circle class="ember" r="5.5" />
      <circle class="ember-core" r="2.4" />
    </g>
  );
}
