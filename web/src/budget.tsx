import { useState } from 'preact/hooks';
import type { Owner } from '../../client/answers.ts';
import {
  ADMIN,
  addOwner,
  addToken,
  capIn,
  changeOwner,
  expiryIn,
  getBudget,
  leftWords,
  listOwners,
  type Period,
  revokeOwner,
  revokeToken,
  sharesOf,
  usedWords,
} from '../../client/owners.ts';
import { plural } from '../../client/plural.ts';
import { datedTime, nearTime } from '../../client/times.ts';
import { useAction, useConsole, useRemote } from './hooks.ts';
import { labels } from './labels.ts';
import { CopyButton, Dialog, Field, focusFault, Loading, Problem } from './parts.tsx';

const NAMES = { day: 'Today', week: 'This week', month: 'This month' } as const;

/** What is left of the caps of the day, the week and the month; for the admin, of all owners. */
export function BudgetView() {
  const { api } = useConsole();
  const { remote, reload } = useRemote('budget', async () => {
    const budget = await getBudget(api);
    return { budget, owners: budget.owner === ADMIN ? await listOwners(api) : null };
  });
  return (
    <div class="view">
      <h1 tabIndex={-1}>Budget</h1>
      {remote.kind === 'loading' && <Loading what="budgets" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && (
        <>
          <section class="card caps" aria-label={`Budget of ${remote.value.budget.owner}`}>
            {remote.value.budget.periods.map((period) => (
              <PeriodRow key={period.period} period={period} />
            ))}
            <p class="hint">
              A cap counts what ended clusters were billed, and the whole budgets of live ones.
              Days, weeks and months are UTC.
            </p>
          </section>
          {remote.value.owners !== null && (
            <Owners owners={remote.value.owners} onChanged={reload} />
          )}
        </>
      )}
    </div>
  );
}

function PeriodRow({ period }: { period: Period }) {
  const { clock } = useConsole();
  return (
    <div class="cap">
      <h2>{NAMES[period.period]}</h2>
      <CapBar period={period} />
      <p>{leftWords(period)}</p>
      <p class="meta">
        {usedWords(period)}, until {nearTime(period.resetsAt, clock.now())}
      </p>
    </div>
  );
}

/** What is spent, then what is open, then what is left. The words beside it say the same. */
function CapBar({ period }: { period: Period }) {
  const shares = sharesOf(period);
  if (shares === null) return null;
  return (
    <svg class="cap-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="cap-left" width="100" height="8" />
      <rect class="cap-open" width={100 * (shares.spent + shares.open)} height="8" />
      <rect class="cap-spent" width={100 * shares.spent} height="8" />
    </svg>
  );
}

/** What a dialog is about; `token`: it has just been made, and is shown once. */
type Asking =
  | { readonly kind: 'add' }
  | { readonly kind: 'caps' | 'token' | 'revoke'; readonly owner: Owner }
  | { readonly kind: 'made'; readonly owner: string; readonly token: string };

function Owners({ owners, onChanged }: { owners: readonly Owner[]; onChanged: () => void }) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const close = () => setAsking(null);
  const changed = () => {
    close();
    onChanged();
  };
  const made = (owner: string, token: string) => {
    setAsking({ kind: 'made', owner, token });
    onChanged();
  };
  return (
    <section class="card owners" aria-label="Owners">
      <header>
        <h2>Owners</h2>
        <button type="button" class="primary" onClick={() => setAsking({ kind: 'add' })}>
          Add an owner
        </button>
      </header>
      <ul>
        {owners.map((owner) => (
          <OwnerRow key={owner.owner} owner={owner} onAsk={setAsking} />
        ))}
      </ul>
      {asking?.kind === 'add' && <AddOwner onMade={made} onClose={close} />}
      {asking?.kind === 'caps' && (
        <ChangeCaps owner={asking.owner} onChanged={changed} onClose={close} />
      )}
      {asking?.kind === 'token' && <NewToken owner={asking.owner} onMade={made} onClose={close} />}
      {asking?.kind === 'revoke' && (
        <Revoke owner={asking.owner} onChanged={changed} onClose={close} />
      )}
      {asking?.kind === 'made' && (
        <Dialog title={`Token of ${asking.owner}`} onClose={close}>
          <p>Copy it now: Onebuck keeps only its hash, and nothing can show it again.</p>
          <p class="token">
            <code>{asking.token}</code>
          </p>
          <div class="buttons">
            <CopyButton text={asking.token} what="the token" />
            <button type="button" class="primary" onClick={close}>
              Done
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

function OwnerRow({ owner, onAsk }: { owner: Owner; onAsk: (asking: Asking) => void }) {
  const { clock } = useConsole();
  const named = <span class="unseen">{owner.owner}</span>;
  const isRevoked = owner.revokedAt !== null;
  const ask = (kind: 'caps' | 'token' | 'revoke') => () => onAsk({ kind, owner });
  return (
    <li>
      <div class="owner-name">
        <h3>{owner.owner}</h3>
        <p class="meta">
          {isRevoked
            ? `revoked ${datedTime(owner.revokedAt ?? 0, clock.now())}`
            : tokenWords(owner, clock.now())}
        </p>
      </div>
      <div class="owner-caps">
        {owner.periods.map((period) => (
          <div key={period.period}>
            <p class="meta">{NAMES[period.period]}</p>
            <CapBar period={period} />
            <p>{period.capUsd === null ? usedWords(period) : leftWords(period)}</p>
          </div>
        ))}
      </div>
      <div class="actions">
        <button type="button" onClick={ask('caps')}>
          Caps … {named}
        </button>
        {owner.owner !== ADMIN && !isRevoked && (
          <>
            <button type="button" onClick={ask('token')}>
              New token … {named}
            </button>
            <button type="button" class="danger" onClick={ask('revoke')}>
              Revoke … {named}
            </button>
          </>
        )}
      </div>
    </li>
  );
}

function tokenWords({ tokens, tokensInSecret }: Owner, now: number): string {
  const each = tokens.map(({ id, may, expiresAt }) => {
    const until = expiresAt === null ? '' : `, until ${datedTime(expiresAt, now)}`;
    return `${id} may ${may}${until}`;
  });
  const inSecret = tokensInSecret === 0 ? [] : [`${plural(tokensInSecret, 'token')} in the secret`];
  return [...each, ...inSecret].join('; ') || 'no token';
}

interface Caps {
  readonly day: string;
  readonly week: string;
  readonly month: string;
}
const NO_CAPS: Caps = { day: '', week: '', month: '' };
const FIELDS = { day: 'dailyCapUsd', week: 'weeklyCapUsd', month: 'monthlyCapUsd' } as const;

/** A blank cap is that of the deployment. */
const capsBody = (caps: Caps) => ({
  dailyCapUsd: capIn(caps.day || 'default'),
  weeklyCapUsd: capIn(caps.week || 'default'),
  monthlyCapUsd: capIn(caps.month || 'default'),
});

const isCap = (text: string): boolean =>
  text.trim() === '' || text.trim() === 'none' || Number(capIn(text)) > 0;
const areCaps = ({ day, week, month }: Caps): boolean => [day, week, month].every(isCap);

function CapFields({ caps, onInput }: { caps: Caps; onInput: (caps: Caps) => void }) {
  return (
    <div class="row">
      {(['day', 'week', 'month'] as const).map((period) => (
        <Field
          key={period}
          label={labels[FIELDS[period]]}
          class="short"
          error={isCap(caps[period]) ? undefined : 'must be an amount such as 2.5, or none'}
        >
          {(attributes) => (
            <input
              {...attributes}
              value={caps[period]}
              onInput={(event) => onInput({ ...caps, [period]: event.currentTarget.value })}
            />
          )}
        </Field>
      ))}
    </div>
  );
}

const CAPS_HINT =
  'In US dollars; weeks begin on Monday. Blank: the cap of the deployment. none: no cap.';

interface Limits {
  readonly may: string;
  readonly expires: string;
}
const NO_LIMITS: Limits = { may: 'launch', expires: '' };

function LimitFields({ limits, onInput }: { limits: Limits; onInput: (limits: Limits) => void }) {
  return (
    <div class="row">
      <Field label="The token may">
        {(attributes) => (
          <select
            {...attributes}
            value={limits.may}
            onChange={(event) => onInput({ ...limits, may: event.currentTarget.value })}
          >
            <option value="read">look</option>
            <option value="launch">launch clusters</option>
            <option value="manage">launch, and make schedules</option>
          </select>
        )}
      </Field>
      <Field label="Expires" class="short" hint="Such as 30d; blank: never.">
        {(attributes) => (
          <input
            {...attributes}
            value={limits.expires}
            onInput={(event) => onInput({ ...limits, expires: event.currentTarget.value })}
          />
        )}
      </Field>
    </div>
  );
}

function limitsBody({ may, expires }: Limits, now: number) {
  const expiresAt = expires.trim() === '' ? null : expiryIn(expires, now);
  if (expires.trim() !== '' && expiresAt === null) {
    throw new Error('Expires must be such as 2h, 30d or 2027-03-31.');
  }
  return { may, expiresAt };
}

interface MadeProps {
  readonly onMade: (owner: string, token: string) => void;
  readonly onClose: () => void;
}

function AddOwner({ onMade, onClose }: MadeProps) {
  const { api, clock, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const [name, setName] = useState('');
  const [caps, setCaps] = useState(NO_CAPS);
  const [limits, setLimits] = useState(NO_LIMITS);
  const add = (event: Event) => {
    event.preventDefault();
    if (!areCaps(caps)) return focusFault(event.currentTarget as HTMLFormElement);
    void run(async () => {
      const token = limitsBody(limits, clock.now());
      const added = await addOwner(api, { owner: name.trim(), ...capsBody(caps), token });
      announce(`${added.owner} is added.`);
      onMade(added.owner, added.token);
    });
  };
  return (
    <Dialog title="Add an owner" onClose={onClose}>
      <form class="limits" onSubmit={add} noValidate>
        <Field label="Owner" hint="Up to 40 of a-z, 0-9 and . _ -">
          {(attributes) => (
            <input
              {...attributes}
              autocomplete="off"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <CapFields caps={caps} onInput={setCaps} />
        <p class="hint">{CAPS_HINT}</p>
        <LimitFields limits={limits} onInput={setLimits} />
        <FormEnd error={error} isBusy={isBusy} verb="Add, and show the token" onClose={onClose} />
      </form>
    </Dialog>
  );
}

function ChangeCaps({ owner, onChanged, onClose }: OwnerDialogProps) {
  const { api, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const [caps, setCaps] = useState<Caps>({
    day: `${owner[FIELDS.day] ?? ''}`,
    week: `${owner[FIELDS.week] ?? ''}`,
    month: `${owner[FIELDS.month] ?? ''}`,
  });
  const change = (event: Event) => {
    event.preventDefault();
    if (!areCaps(caps)) return focusFault(event.currentTarget as HTMLFormElement);
    void run(async () => {
      await changeOwner(api, owner.owner, capsBody(caps));
      announce(`The caps of ${owner.owner} are changed.`);
      onChanged();
    });
  };
  return (
    <Dialog title={`Caps of ${owner.owner}`} onClose={onClose}>
      <form class="limits" onSubmit={change} noValidate>
        <CapFields caps={caps} onInput={setCaps} />
        <p class="hint">{CAPS_HINT} They hold from the next launch on.</p>
        <FormEnd error={error} isBusy={isBusy} verb="Change the caps" onClose={onClose} />
      </form>
    </Dialog>
  );
}

interface OwnerDialogProps {
  readonly owner: Owner;
  readonly onChanged: () => void;
  readonly onClose: () => void;
}

function NewToken({ owner, onMade, onClose }: MadeProps & { readonly owner: Owner }) {
  const { api, clock, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const [limits, setLimits] = useState(NO_LIMITS);
  const make = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const { token } = await addToken(api, owner.owner, limitsBody(limits, clock.now()));
      announce(`${owner.owner} has a new token.`);
      onMade(owner.owner, token);
    });
  };
  return (
    <Dialog title={`New token of ${owner.owner}`} onClose={onClose}>
      <form class="limits" onSubmit={make} noValidate>
        <LimitFields limits={limits} onInput={setLimits} />
        <FormEnd error={error} isBusy={isBusy} verb="Make and show it" onClose={onClose} />
      </form>
    </Dialog>
  );
}

/** One token, or the owner with all tokens. */
function Revoke({ owner, onChanged, onClose }: OwnerDialogProps) {
  const { api, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const [id, setId] = useState('');
  const revoke = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (id === '') await revokeOwner(api, owner.owner);
      else await revokeToken(api, owner.owner, id);
      announce(id === '' ? `${owner.owner} is revoked.` : `The token ${id} is revoked.`);
      onChanged();
    });
  };
  return (
    <Dialog title={`Revoke ${owner.owner}?`} onClose={onClose}>
      <form class="limits" onSubmit={revoke} noValidate>
        <Field label="What to revoke">
          {(attributes) => (
            <select
              {...attributes}
              value={id}
              onChange={(event) => setId(event.currentTarget.value)}
            >
              <option value="">the owner, with all tokens</option>
              {owner.tokens.map((token) => (
                <option key={token.id} value={token.id}>
                  only the token {token.id}
                </option>
              ))}
            </select>
          )}
        </Field>
        <p>
          {id === ''
            ? 'No token works any more, and nothing is launched, also by schedules. Live clusters go on until their budgets end.'
            : 'It is refused at once. What it has launched lives on.'}
        </p>
        {id === '' && owner.tokensInSecret > 0 && (
          <p class="warning">
            {plural(owner.tokensInSecret, 'token')} in the secret can still look, until the operator
            revokes them.
          </p>
        )}
        <FormEnd error={error} isBusy={isBusy} verb="Revoke" onClose={onClose} />
      </form>
    </Dialog>
  );
}

function FormEnd(props: {
  readonly error: Error | null;
  readonly isBusy: boolean;
  readonly verb: string;
  readonly onClose: () => void;
}) {
  return (
    <>
      <Problem error={props.error} />
      <div class="buttons">
        <button type="button" onClick={props.onClose}>
          Leave it
        </button>
        <button type="submit" class="primary" disabled={props.isBusy}>
          {props.verb}
        </button>
      </div>
    </>
  );
}
