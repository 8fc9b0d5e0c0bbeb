import { useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import { getInventoryText } from '../../client/clusters.ts';
import { inventoryFormats } from '../../client/inventory.ts';
import { calledOf } from './cluster-parts.tsx';
import { useConsole, useRemote } from './hooks.ts';
import { CopyButton, Loading, Problem, saveFile } from './parts.tsx';

type Format = keyof typeof inventoryFormats;
const FORMATS = Object.entries(inventoryFormats) as [Format, string][];

/** What people paste into their tools: to look at, to copy, and as a file. */
export function InventoryView({ cluster }: { cluster: Cluster }) {
  const { api } = useConsole();
  const [format, setFormat] = useState<Format>('ssh');
  const called = calledOf(cluster);
  // Asked again when a node gets an address or goes.
  const addresses = cluster.nodes.map(({ ipv4, status }) => `${ipv4} ${status}`).join();
  const { remote, reload } = useRemote(`${cluster.id} ${format} ${addresses}`, async () => {
    const text = await getInventoryText(api, cluster.id, format);
    return format === 'json' ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : text;
  });
  const text = remote.kind === 'ready' ? remote.value : '';
  const file = `${called}-${format}.${format === 'json' ? 'json' : 'txt'}`;
  return (
    <section class="card" aria-labelledby="inventory">
      <header>
        <h2 id="inventory">Inventory</h2>
        <div class="buttons">
          <CopyButton text={text} what={`the ${inventoryFormats[format]} of ${called}`} />
          <button type="button" disabled={text === ''} onClick={() => saveFile(file, text)}>
            Download
          </button>
        </div>
      </header>
      <fieldset class="tabs">
        <legend class="unseen">Form of the inventory</legend>
        {FORMATS.map(([name, title]) => (
          <label key={name}>
            <input
              type="radio"
              name="format"
              checked={name === format}
              onChange={() => setFormat(name)}
            />
            {title}
          </label>
        ))}
      </fieldset>
      {remote.kind === 'loading' && <Loading what="the inventory" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <pre class="preview" tabIndex={0}>
          {text.trim() === '' ? 'No node has an address.' : text}
        </pre>
      )}
    </section>
  );
}
