import { useId } from 'preact/hooks';
import { cordPath, cordY } from './fuse.ts';

interface Props {
  readonly fromX: number;
  readonly toX: number;
  /** Up to where it is paid for. */
  readonly paidX: number;
  readonly y: number;
}

/** A twisted cord, for an SVG to have in it. */
export function Cord({ fromX, toX, paidX, y }: Props) {
  const id = useId();
  const path = cordPath(fromX, toX, y);
  return (
    <g>
      <defs>
        <pattern id={id} width="7" height="12" patternUnits="userSpaceOnUse">
          <path class="cord-twist" d="M-1 12L4 0M6 12L11 0" />
        </pattern>
      </defs>
      <path class="cord-edge" d={path} />
      <path class="cord" d={path} />
      <path class="cord-paid" d={cordPath(fromX, paidX, y)} />
      <path class="cord-weave" stroke={`url(#${id})`} d={path} />
    </g>
  );
}

const RAYS = ['M0 -7V-13', 'M6 -5L11 -9', 'M-5 -6L-9 -11', 'M5 6L9 11', 'M-6 5L-11 8', 'M1 8V13'];

export function Spark({ x, y }: { x: number; y: number }) {
  const id = useId();
  return (
    <g transform={`translate(${x.toFixed(1)} ${(y + cordY(x)).toFixed(1)})`}>
      <radialGradient id={id}>
        <stop class="glow-in" offset="0" />
        <stop class="glow-out" offset="1" />
      </radialGradient>
      <circle class="glow" r="22" fill={`url(#${id})`} />
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
