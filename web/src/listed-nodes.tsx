import type { ComponentChildren } from 'preact';
import { plural } from '../../client/plural.ts';
import { SortHead } from './parts.tsx';
import type { Sort } from './sort.ts';

interface ListedProps<Key extends string, Choice extends string> {
  readonly label: string;
  readonly searched: { readonly label: string; readonly hint: string; readonly text: string };
  readonly chosen: {
    readonly label: string;
    /** Empty: any. */
    readonly value: Choice | '';
    readonly choices: readonly { readonly value: Choice; readonly text: string }[];
  };
  readonly columns: readonly {
    readonly key: Key;
    readonly title: string;
    readonly class?: string;
  }[];
  readonly sort: Sort<Key>;
  readonly onSearch: (text: string) => void;
  readonly onChoose: (value: Choice | '') => void;
  readonly onShowAll: () => void;
  readonly onSort: (key: Key) => void;
  /** How many nodes the rows show, and of how many. */
  readonly shown: number;
  readonly total: number;
  readonly children: ComponentChildren;
}

/** A table of nodes, however many, with what chooses among them. The children are its rows. */
export function ListedNodes<Key extends string, Choice extends string>({
  label,
  searched,
  chosen,
  columns,
  sort,
  onSearch,
  onChoose,
  onShowAll,
  onSort,
  shown,
  total,
  children,
}: ListedProps<Key, Choice>) {
  return (
    <div class="listing">
      <div class="filters">
        <label>
          {searched.label}
          <input
            type="search"
            placeholder={searched.hint}
            value={searched.text}
            onInput={(event) => onSearch(event.currentTarget.value)}
          />
        </label>
        <label>
          {chosen.label}
          <select
            value={chosen.value}
            onChange={(event) => onChoose(event.currentTarget.value as Choice | '')}
          >
            <option value="">any</option>
            {chosen.choices.map(({ value, text }) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="scroll tall" tabIndex={0} aria-label={label}>
        <table class="nodes-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <SortHead key={column.key} column={column} sort={sort} onSort={onSort} />
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
        {shown === 0 && (
          <p class="empty">
            No node is like that.{' '}
            <button type="button" class="link" onClick={onShowAll}>
              Show all {total}
            </button>
          </p>
        )}
      </section>
      <p class="hint" role="status">
        {shown === total ? plural(total, 'node') : `${shown} of ${plural(total, 'node')}`}
      </p>
    </div>
  );
}
