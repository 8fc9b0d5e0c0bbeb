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

const { alias: leftOut, ...options } = readBundling();

/** Of all functions, as serverless.yml has them bundled but for `alias`. */
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

const ours = await bundleAll(leftOut);

const bundled = ({ outputs }: Metafile) =>
  new Set(Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs)));

/** The module's own folder in node_modules; that of a part of a package is named after it. */
function isOf(name: string): (path: string) => boolean {
  const folder = name.replace('@smithy/core/', '@smithy/core/dist-es/submodules/');
  return (path) => path.includes(`node_modules/${folder}/`);
}

describe('the bundles', () => {
  it('hold nothing of what is left out, all of which they would hold otherwise', async () => {
    const modules = [...bundled(ours.metafile)];
    const all = [...bundled((await bundleAll({})).metafile)];
    expect(Object.keys(leftOut).filter((name) => modules.some(isOf(name)))).toEqual([]);
    expect(Object.keys(leftOut).filter((name) => !all.some(isOf(name)))).toEqual([]);
  });

  it('have their ES modules side by side, rather than each in a function that Node reads twice', () => {
    const wrapped = ours.outputFiles.flatMap(({ path, text }) =>
      text
        .split(/^\/\/ (?=(?:node_modules|lib|handlers|build)\/)/m)
        .filter((module) => /^var init_\w+ = __esm\(/m.test(module))
        .map((module) => `${basename(path)}: ${module.slice(0, module.indexOf('\n'))}`),
    );
    // The API's description, and what it shares with the API, is loaded by who asks for it.
    const ofDescription = /^api\.cjs: (lib\/(http|core)\/|lib\/\w+\.ts|node_modules\/zod)/;
    const isKnown = (module: string) =>
      ofDescription.test(module) || module.endsWith('/left-out/event-streams.ts');
    expect(wrapped.filter((module) => !isKnown(module))).toEqual([]);
    expect(wrapped).toContain('api.cjs: lib/http/document.ts');
  });

  it('are told what stands in for each', () => {
    const files = readdirSync(join(projectDir, 'build/left-out'));
    expect(Object.values(leftOut).toSorted()).toEqual(
      files.map((file) => `./build/left-out/${file}`).toSorted(),
    );
  });
});

describe('what stands in', () => {
  it('takes credentials from the environment alone', async () => {
    vi.stubEnv('AWS_PROFILE', 'not looked at');
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

  it('says so to whoever needs what is left out', () => {
    expect(() => followRedirects.https.request()).toThrow('set maxRedirects to 0');
    expect(() => new NoProxy()).toThrow('set proxy to false');
    expect(() => new EventStreamSerde()).toThrow('event streams are left out');
  });
});
