import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { bytesWords } from '../../client/bytes.ts';
import { useAction, useConsole } from './hooks.ts';
import { plainText } from './job.ts';
import type { Uploaded } from './job-form.ts';
import { labels } from './labels.ts';
import { HintAndFault, Problem } from './parts.tsx';
import { chosenFrom, type UploadProgress, upload } from './upload.ts';

interface UploadsProps {
  readonly uploads: readonly Uploaded[];
  readonly error: string | undefined;
  readonly onUploads: (uploads: readonly Uploaded[]) => void;
  /** Whether something is on its way. */
  readonly onBusy: (isBusy: boolean) => void;
}

/** Files for the job, which are sent when they are chosen. */
export function UploadField({ uploads, error: fault, onUploads, onBusy }: UploadsProps) {
  const { api, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const [progress, setProgress] = useState<UploadProgress | null>(null);
  const going = useRef<AbortController | null>(null);
  const latest = useRef(uploads);
  latest.current = uploads;
  const id = useId();
  useEffect(() => () => going.current?.abort(), []);
  const send = (files: Iterable<File>) =>
    run(async () => {
      going.current = new AbortController();
      const { signal } = going.current;
      onBusy(true);
      try {
        const sent = await upload(api, chosenFrom(files), { tell: setProgress, signal });
        onUploads([...latest.current, sent]);
        announce(`Uploaded ${sent.name}.`);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        setProgress(null);
        onBusy(false);
      }
    });
  return (
    <fieldset class="field" aria-describedby={`${id}-hint`}>
      <legend>{labels['job.inputs']}</legend>
      {uploads.length > 0 && (
        <ul class="uploads">
          {uploads.map((one) => (
            <li key={one.id}>
              {plainText(one.name)}
              {one.bytes !== null && <small>{bytesWords(one.bytes)} packed</small>}
              <button
                type="button"
                class="link"
                onClick={() => onUploads(uploads.filter((other) => other.id !== one.id))}
              >
                Leave out <span class="unseen">{one.name}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {progress === null ? (
        <div class="buttons">
          <Picker
            title="Choose files …"
            isBusy={isBusy}
            isFault={fault !== undefined}
            onFiles={send}
          />
          <Picker title="Choose a folder …" isBusy={isBusy} isFolder onFiles={send} />
        </div>
      ) : (
        <Meter progress={progress} onCancel={() => going.current?.abort(new Error('cancelled'))} />
      )}
      <Problem error={error} />
      <HintAndFault
        id={id}
        label={labels['job.inputs']}
        hint="Unpacked into the folder of the job on every node: a .tar.gz, or files and a folder’s, which are packed here."
        error={fault}
      />
    </fieldset>
  );
}

interface PickerProps {
  readonly title: string;
  readonly isBusy: boolean;
  readonly isFolder?: boolean;
  readonly isFault?: boolean;
  readonly onFiles: (files: Iterable<File>) => void;
}

/** A button in place of the browser's own field, whose words are the browser's. */
function Picker({ title, isBusy, isFolder = false, isFault, onFiles }: PickerProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        disabled={isBusy}
        aria-invalid={isFault}
        onClick={() => input.current?.click()}
      >
        {title}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        {...(isFolder ? { webkitdirectory: true } : {})}
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          // So that the same can be chosen again.
          currentTarget.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
    </>
  );
}

function Meter({ progress, onCancel }: { progress: UploadProgress; onCancel: () => void }) {
  const { doing, bytes, total, sinceMs } = progress;
  const seconds = Math.max(0.1, (Date.now() - sinceMs) / 1_000);
  const id = useId();
  return (
    <div class="uploads">
      <label for={id}>
        {doing}: {bytesWords(bytes)} of {bytesWords(total)},{' '}
        {bytesWords(Math.round(bytes / seconds))}/s
      </label>
      <progress id={id} max={total} value={bytes} />
      <div class="buttons">
        <button type="button" onClick={onCancel}>
          Cancel the upload
        </button>
      </div>
    </div>
  );
}
