import type { ComponentChildren, InputHTMLAttributes } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { NoContact, Refusal } from '../../client/api.ts';
import { unreadableSentence } from '../../client/clusters.ts';
import { faultsOf, faultWords } from '../../client/problem.ts';
import { useConsole } from './hooks.ts';
import { inLabels } from './labels.ts';
import type { Sort } from './sort.ts';

/** What went wrong, and what to do; nothing where nothing did. */
export function Problem({ error, onRetry }: { error: Error | null; onRetry?: () => void }) {
  if (error === null) return null;
  const problem = error instanceof Refusal ? error.problem : null;
  const faults = problem === null ? [] : faultsOf(problem);
  return (
    <div class="problem" role="alert">
      <p>
        {error instanceof NoContact
          ? 'Onebuck does not answer. Check your connection.'
          : inLabels(error.message)}
      </p>
      {faults.length > 0 && (
        <ul>
          {faults.map((fault) => (
            <li key={fault}>{inLabels(fault)}</li>
          ))}
        </ul>
      )}
      {problem?.id && <p class="hint">The log tells more of {problem.id}.</p>}
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The clusters that a list lacks, because their records are unreadable. */
export function LeftOut({ ids }: { ids: readonly string[] }) {
  const sentence = unreadableSentence(ids);
  return sentence === null ? null : <p role="status">{sentence}</p>;
}

export function Loading({ what }: { what: string }) {
  return (
    <div class="loading">
      <p class="unseen" role="status">
        Loading {what} …
      </p>
      <div class="bone" />
      <div class="bone short" />
      <div class="bone" />
    </div>
  );
}

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | undefined;
  readonly class?: string;
  readonly children: (attributes: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': boolean;
  }) => ComponentChildren;
}

export function Field({ label, hint, error, class: className = '', children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class={`field ${className}`}>
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': !!error })}
      <HintAndFault id={id} label={label} hint={hint} error={error} />
    </div>
  );
}

type ChoicesProps = Omit<FieldProps, 'class' | 'children'> & {
  readonly children: (attributes: {
    'aria-describedby': string | undefined;
    'aria-invalid': boolean;
  }) => ComponentChildren;
};

/** A field that is several boxes to tick. */
export function Choices({ label, hint, error, children }: ChoicesProps) {
  const id = useId();
  return (
    <fieldset class="field" aria-describedby={hint === undefined ? undefined : `${id}-hint`}>
      <legend>{label}</legend>
      <div class="tabs">
        {children({ 'aria-describedby': error && `${id}-error`, 'aria-invalid': !!error })}
      </div>
      <HintAndFault id={id} label={label} hint={hint} error={error} />
    </fieldset>
  );
}

export function HintAndFault({
  id,
  label,
  hint,
  error,
}: Omit<ChoicesProps, 'children'> & { id: string }) {
  return (
    <>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p class="fault" id={`${id}-error`}>
          {inLabels(faultWords(label, error))}.
        </p>
      )}
    </>
  );
}

/**
 * What is mostly left shut. It opens when `isOpen` becomes true, and never shuts by itself, so that
 * nobody loses the field in which they type.
 */
export function Details({
  summary,
  isOpen,
  children,
}: {
  summary: string;
  isOpen: boolean;
  children: ComponentChildren;
}) {
  const ref = useRef<HTMLDetailsElement>(null);
  useLayoutEffect(() => {
    if (isOpen && ref.current !== null) ref.current.open = true;
  }, [isOpen]);
  return (
    <details ref={ref}>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

/** An input for an amount in US dollars. */
export const MoneyInput = (attributes: InputHTMLAttributes<HTMLInputElement>) => (
  <span class="money">
    <span aria-hidden="true">$</span>
    <input {...attributes} inputmode="decimal" />
  </span>
);

interface SortHeadProps<Key> {
  readonly column: { readonly key: Key; readonly title: string; readonly class?: string };
  readonly sort: Sort<Key>;
  readonly onSort: (key: Key) => void;
}

export function SortHead<Key>({ column, sort, onSort }: SortHeadProps<Key>) {
  const { key, title, class: className } = column;
  return (
    <th
      scope="col"
      class={className}
      aria-sort={sort.key !== key ? undefined : sort.isDown ? 'descending' : 'ascending'}
    >
      <button type="button" class="sort" onClick={() => onSort(key)}>
        {title}
      </button>
    </th>
  );
}

interface SubmitProps {
  /** The id of the element that says why. */
  readonly id: string;
  /** Why the form can't be sent as it is; null: it can be. */
  readonly why: string | null;
  readonly isBusy: boolean;
  readonly children: ComponentChildren;
}

/** A button that stays in reach of the keyboard while it refuses, and says why it does. */
export function SubmitButton({ id, why, isBusy, children }: SubmitProps) {
  return (
    <>
      <button
        type="submit"
        class="primary"
        aria-disabled={isBusy || why !== null}
        aria-describedby={why === null ? undefined : id}
      >
        {children}
      </button>
      {/* What is on its way is not worth saying aloud. */}
      <p id={id} class="hint why" aria-live={why?.endsWith('…') ? 'off' : 'polite'}>
        {why}
      </p>
    </>
  );
}

/** To the first field that is wrong. */
export function focusFault(form: HTMLFormElement): void {
  form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** The browser keeps the focus inside, closes on Escape, and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before another key can move the focus from what opened it.
  useLayoutEffect(() => {
    const dialog = ref.current;
    const opener = document.activeElement as HTMLElement | null;
    dialog?.showModal();
    return () => {
      // While it is open, nothing outside can have the focus.
      dialog?.close();
      opener?.focus();
      // What opened it may be gone, with what it was about.
      if (document.activeElement !== opener) {
        document.querySelector<HTMLElement>('h1')?.focus();
      }
    };
  }, []);
  // The event `close` comes later, when a key may have opened the dialog again.
  const cancelled = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  const closed = () => ref.current !== null && onClose();
  return (
    <dialog ref={ref} aria-labelledby={id} onCancel={cancelled} onClose={closed}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

const COPIED_MS = 1_500;

/** Copies a text, and says for a moment that it has. */
function useCopy(text: string) {
  const { announce } = useConsole();
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).then(
      () => {
        setIsCopied(true);
        announce('Copied.');
      },
      () => {},
    );
    setTimeout(() => setIsCopied(false), COPIED_MS);
  };
  return { isCopied, copy };
}

export function Copy({ text, what }: { text: string; what: string }) {
  const { isCopied, copy } = useCopy(text);
  return (
    <button type="button" class="copy" aria-label={`Copy ${what}`} onClick={copy}>
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
        <path d={isCopied ? 'M5 12l5 5l9-10' : 'M9 9h11v11H9zM15 9V4H4v11h5'} />
      </svg>
    </button>
  );
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const { isCopied, copy } = useCopy(text);
  return (
    <button type="button" disabled={text === ''} onClick={copy}>
      {isCopied ? 'Copied' : 'Copy'} <span class="unseen">{what}</span>
    </button>
  );
}

/** Has the browser save a file that no address has: what asks for it needs the token. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

export const saveFile = (name: string, text: string, type = 'text/plain'): void =>
  saveBlob(name, new Blob([text], { type }));
