import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { describe, expect, it, vi } from 'vitest';
import { readBundling } from '../../build/bundling.ts';
import { defaultProvider } from '../../build/left-out/credential-provider-node.ts';
import { EventStreamSerde } from '../../build/left-out/event-streams.ts';
import followRedirects from '../../build/left-out/follow-redirects.ts';
import NoProxy from '../../build/left-out/https-proxy-agent.ts';
import { projectDir } from '../../build/project.ts';

const { alias: replaced, ...options } = readBundling();

/** Bundles all functions as serverless.yml does, but with the `alias`. */
const bundleAll = (alias: Record<string, string>) =>
  build({
    ...options,
    alias,
    entryPoints: ['handlers/*.ts'],
    outdir: 'nowhere',
    metafile: true,
    write: false,
    minify: false,
  });

const bundles = await bundleAll(replaced);

const bundled = ({ outputs }: Metafile) =>
  new Set(Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs)));

/** Whether a path is in the module's folder; a part of @smithy/core has a folder of its own. */
function isOf(name: string): (path: string) => boolean {
  const folder = name.replace('@smithy/core/', '@smithy/core/dist-es/submodules/');
  return (path) => path.includes(`node_modules/${folder}/`);
}

describe('the bundles', () => {
  it('contain no replaced module, and without the replacements would contain each', async () => {
    const modules = [...bundled(bundles.metafile)];
    const all = [...bundled((await bundleAll({})).metafile)];
    expect(Object.keys(replaced).filter((name) => modules.some(isOf(name)))).toEqual([]);
    expect(Object.keys(replaced).filter((name) => !all.some(isOf(name)))).toEqual([]);
  });

  it('keep ES modules at the top level, not in functions, which Node parses twice', () => {
    const wrapped = bundles.outputFiles.flatMap(({ path, text }) =>
      text
        .split(/^\/\/ (?=(?:node_modules|lib|handlers|build)\/)/m)
        .filter((module) => /^var init_\w+ = __esm\(/m.test(module))
        .map((module) => `${basename(path)}: ${module.slice(0, module.indexOf('\n'))}`),
    );
    // Only a request for the API's description loads it: its modules are wrapped on purpose.
    const ofDescription = /^api\.cjs: (lib\/(http|core)\/|lib\/\w+\.ts|node_modules\/zod)/;
    const isKnown = (module: string) =>
      ofDescription.test(module) || module.endsWith('/left-out/event-streams.ts');
    expect(wrapped.filter((module) => !isKnown(module))).toEqual([]);
    expect(wrapped).toContain('api.cjs: lib/http/document.ts');
  });

  it('use every file of build/left-out as a replacement', () => {
    const files = readdirSync(join(projectDir, 'build/left-out'));
    expect(Object.values(replaced).toSorted()).toEqual(
      files.map((file) => `./build/left-out/${file}`).toSorted(),
    );
  });
});

describe('a replacement', () => {
  it('of the credential providers reads only the environment', async () => {
    vi.stubEnv('AWS_PROFILE', 'ignored');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('AWS_SESSION_TOKEN', 'session');
    const credentials = defaultProvider({});
    expect(await credentials()).toMatchObject({
      accessKeyId: 'key',
      secretAccessKey: 'secret',
      sessionToken: 'session',
    });
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    await expect(credentials()).rejects.toThrow('Unable to find environment variable credentials');
    vi.unstubAllEnvs();
  });

  it('throws, and says how to avoid the call, where code needs the replaced module', () => {
    expect(() => followRedirects.https.request()).toThrow('set maxRedirects to 0');
    expect(() => new NoProxy()).toThrow('set proxy to false');
    expect(() => new EventStreamSerde()).toThrow('event streams are left out');
  });
});
