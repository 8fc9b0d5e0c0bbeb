import { useEffect, useRef, useState } from 'preact/hooks';
import { Refusal } from '../../client/api.ts';
import { listNewest } from '../../client/clusters.ts';
import { Cord, Spark } from './cord.tsx';
import { cordPath } from './fuse.ts';
import { useAction, useWidth } from './hooks.ts';
import { Problem } from './parts.tsx';
import { apiOf } from './session.ts';

interface Props {
  readonly notice: string;
  readonly onToken: (token: string, stay: boolean) => void;
}

export function SignIn({ notice, onToken }: Props) {
  const [token, setToken] = useState('');
  const [stay, setStay] = useState(false);
  const { isBusy, error, run } = useAction();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Sign in · Onebuck';
    field.current?.focus();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    const given = token.trim();
    if (given === '') return field.current?.focus();
    void run(async () => {
      await listNewest(
        apiOf(given, () => {}),
        1,
      );
      onToken(given, stay);
    });
  };
  const isWrong = error instanceof Refusal && error.isDenied;
  return (
    <main class="door">
      <DoorFuse />
      <form onSubmit={submit} aria-labelledby="door-title">
        <h1 id="door-title">Onebuck</h1>
        <p class="lead">Clusters of Linodes that burn down before they cost more than you said.</p>
        {notice !== '' && <p role="status">{notice}</p>}
        <label for="token">API token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          value={token}
          aria-invalid={isWrong}
          aria-describedby="token-hint"
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <p id="token-hint" class="hint">
          Kept in this tab until it is closed, and sent to this address alone.
        </p>
        <label class="check">
          <input
            type="checkbox"
            checked={stay}
            onChange={(event) => setStay(event.currentTarget.checked)}
          />
          Stay signed in on this browser
        </label>
        {isWrong ? (
          <p class="problem" role="alert">
            That token is not one of this deployment’s.
          </p>
        ) : (
          <Problem error={error} />
        )}
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}

const DOOR_Y = 40;

/** What it is all about, from one edge of the window to the other. */
function DoorFuse() {
  const { ref, width } = useWidth<HTMLDivElement>();
  const sparkX = width * 0.28;
  return (
    <div class="fuse door-fuse" ref={ref}>
      {width > 0 && (
        <svg width={width} height={2 * DOOR_Y} aria-hidden="true">
          <path class="cord-ash" d={cordPath(-10, sparkX, DOOR_Y)} />
          <Cord fromX={sparkX} toX={width + 20} paidX={sparkX + 48} y={DOOR_Y} />
          <Spark x={sparkX} y={DOOR_Y} />
        </svg>
      )}
    </div>
  );
}
