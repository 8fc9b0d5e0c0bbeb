import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type AccountState, emptyAccount } from './account.ts';
import { isObject } from './json.ts';

/** The account in the file, or an empty account if the file does not exist. */
export function readState(path: string): AccountState {
  if (!existsSync(path)) return emptyAccount;
  const state: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isObject(state) || state.version !== 1 || !Array.isArray(state.instances)) {
    throw new Error(`${path} is not a state of this simulator; remove it to start afresh`);
  }
  const account = state as unknown as AccountState;
  // A state of before the simulator had interfaces: each Linode had a public one.
  const networks = { interfaces: [{ purpose: 'public' }], firewallId: null } as const;
  const instances = account.instances.map((instance) => ({ ...networks, ...instance }));
  return { ...account, instances };
}

/**
 * Writes the account's state to a file. A write replaces the whole file by a rename, so a crash
 * leaves either the old state or the new state. All calls of `save` during a write share the next
 * write.
 */
export class StateFile {
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  readonly path: string;
  readonly state: () => AccountState;

  constructor(path: string, state: () => AccountState) {
    this.path = path;
    this.state = state;
    mkdirSync(dirname(path), { recursive: true });
  }

  /** Resolves once the file has the state of now or a newer state. Rejects if the write fails. */
  save(): Promise<void> {
    this.#next ??= this.#current
      // The callers of `save` that waited for the failed write get its error; this write goes on.
      .catch(() => {})
      .then(() => {
        this.#current = this.#next ?? Promise.resolve();
        this.#next = null;
        return this.#write();
      });
    return this.#next;
  }

  /** Resolves once all writes have ended, successful or not. */
  async written(): Promise<void> {
    await (this.#next ?? this.#current).catch(() => {});
  }

  async #write(): Promise<void> {
    const temporary = `${this.path}.tmp`;
    await writeFile(temporary, textOf(this.state()));
    await rename(temporary, this.path);
  }
}

const texts = new WeakMap<object, string>();

/** Reuses the text of each Linode and event that has not changed since the last write. */
function textOf({ instances, events, ...rest }: AccountState): string {
  const start = JSON.stringify(rest).slice(0, -1);
  const lists = [instances, events].map((rows) => rows.map(rowText).join(',\n'));
  return `${start},"instances":[${lists[0]}],"events":[${lists[1]}]}`;
}

function rowText(row: object): string {
  const text = texts.get(row) ?? JSON.stringify(row);
  texts.set(row, text);
  return text;
}
