import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type AccountState, emptyAccount } from './account.ts';
import { isObject } from './json.ts';

/** The account of the last run, or an empty one where there is no file yet. */
export function readState(path: string): AccountState {
  if (!existsSync(path)) return emptyAccount;
  const state: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isObject(state) || state.version !== 1 || !Array.isArray(state.instances)) {
    throw new Error(`${path} is not a state of this simulator; remove it to start afresh`);
  }
  return state as unknown as AccountState;
}

/**
 * Keeps a state on disk. A file is replaced as a whole, so that a crash leaves the last one or the
 * next. Changes that come while one is being written share the write after it.
 */
export class StateFile {
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(
    readonly path: string,
    readonly state: () => AccountState,
  ) {
    mkdirSync(dirname(path), { recursive: true });
  }

  /** Resolves once the state as it is now is on disk. */
  save(): Promise<void> {
    this.#next ??= this.#current
      // Whoever waited for the failed write has been told.
      .catch(() => {})
      .then(() => {
        this.#current = this.#next ?? Promise.resolve();
        this.#next = null;
        return this.#write();
      });
    return this.#next;
  }

  /** Resolves once nothing is left to write, whether or not that worked. */
  async settled(): Promise<void> {
    await (this.#next ?? this.#current).catch(() => {});
  }

  async #write(): Promise<void> {
    const temporary = `${this.path}.tmp`;
    await writeFile(temporary, textOf(this.state()));
    await rename(temporary, this.path);
  }
}

const texts = new WeakMap<object, string>();

/** Most of a state is as it was when it was last written, and need not be put into words again. */
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
